import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { aDayMs, aManifest, aRelease, packageBytes } from '../testing/release-files.ts'
import { applyUpdate } from './apply-update.ts'
import { handedOver } from './installer-folder.ts'
import type { Installed, InstallerWorld } from './installer-world.ts'
import { newReleaseKey, signManifest } from './manifest.ts'
import type { Outcome } from './update-machine.ts'
import { ATTEMPTS_BEFORE_TOLD, pauseAfter } from './way-back.ts'

const key = newReleaseKey()
const LOCKED = 'exit code 2: dpkg: error: dpkg frontend lock was locked by another process with pid 812'
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-way-back-'))
  mkdirSync(join(dir, 'spool'))
  writeFileSync(join(dir, 'spool', handedOver.manifest), signManifest(aManifest(), [key.privatePem]))
  for (const version of ['1.0.0', '1.1.0'])
    writeFileSync(join(dir, 'spool', handedOver.package(aRelease(version).packages[0]!)), packageBytes(version))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const told = () => JSON.parse(readFileSync(join(dir, 'home', 'outcome.json'), 'utf8')) as Outcome
const isOpen = () => existsSync(join(dir, 'home', 'way-back.json'))

/** A PC on which 1.1.0 does not work. `beforeInstall` may refuse a file, or change what is there. */
function pc(beforeInstall: (version: string, attempt: number) => void = () => {}) {
  const installed: string[] = []
  const waits: number[] = []
  let there: Installed | null = { version: '1.0.0', whole: true }
  const look = async () => (there?.version === '1.1.0' ? null : { version: there?.version ?? 'none', checks: [] })
  let attempts = 0
  const world: InstallerWorld = {
    spool: join(dir, 'spool'),
    home: join(dir, 'home'),
    keys: [key.publicKey],
    version: '1.0.0',
    form: 'deb',
    arch: 'x64',
    channel: 'stable',
    wallMs: () => aDayMs,
    install: async (file) => {
      const version = readFileSync(file, 'utf8').replace('package of ', '')
      beforeInstall(version, version === '1.0.0' ? ++attempts : 0)
      installed.push(version)
      there = { version, whole: true }
    },
    installed: async () => there,
    health: look,
    healthWhen: look,
    wait: async (ms) => void waits.push(ms),
    note: () => {}
  }
  return { world, installed, waits, become: (seen: Installed | null) => (there = seen), there: () => there }
}

test('a lock that is held during the way back is waited for', async () => {
  const one = pc((version, attempt) => {
    if (version === '1.0.0' && attempt <= 3) throw new Error(LOCKED)
  })
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'rolled-back', version: '1.1.0' })
  expect([one.installed, one.there(), isOpen()]).toEqual([['1.1.0', '1.0.0'], { version: '1.0.0', whole: true }, false])
  expect(one.waits).toEqual([2000, 4000, 8000])
})

test('a way back that is shut for long is told with what is in the way, and gone as soon as it opens', async () => {
  const seen: unknown[] = []
  const one = pc((version, attempt) => {
    if (version !== '1.0.0') return
    if (attempt === ATTEMPTS_BEFORE_TOLD) expect(existsSync(join(dir, 'home', 'outcome.json'))).toBe(false)
    if (attempt === ATTEMPTS_BEFORE_TOLD + 1) seen.push(told())
    if (attempt <= 40) throw new Error(LOCKED)
  })
  const outcome = await applyUpdate(one.world)
  expect(seen).toEqual([
    expect.objectContaining({
      result: 'stuck',
      code: 'UPDATE_STUCK',
      version: '1.1.0',
      from: '1.0.0',
      kept: ['1.0.0'],
      why: expect.stringContaining('frontend lock') as string
    })
  ])
  expect([outcome.result, told().result, one.installed.at(-1)]).toEqual(['rolled-back', 'rolled-back', '1.0.0'])
  // Never more than 15 minutes after the lock is free.
  expect(Math.max(...one.waits)).toBe(15 * 60_000)
  expect(one.waits.slice(0, ATTEMPTS_BEFORE_TOLD).reduce((sum, ms) => sum + ms)).toBeLessThan(3 * 60_000)
})

test.each<[string, Installed | null, string]>([
  ['has installed another release', { version: '1.3.0', whole: true }, 'installed 1.3.0 meanwhile'],
  ['has removed Larder', null, 'removed Larder meanwhile']
])('who %s meanwhile is not overruled', async (_what, seen, why) => {
  const one = pc((version, attempt) => {
    if (version !== '1.0.0') return
    if (attempt === 2) one.become(seen)
    throw new Error(LOCKED)
  })
  expect(await applyUpdate(one.world)).toMatchObject({
    result: 'refused',
    why: expect.stringContaining(why) as string
  })
  expect([one.installed, one.there(), isOpen()]).toEqual([['1.1.0'], seen, false])
})

test('a disk that is full stops no way back', async () => {
  const one = pc((version, attempt) => {
    if (version !== '1.0.0') return
    // Where a file is to be, a folder with something in it: no rename onto it works.
    if (attempt === 1) {
      rmSync(join(dir, 'home', 'memory.json'))
      mkdirSync(join(dir, 'home', 'memory.json', 'full'), { recursive: true })
    }
    if (attempt < 3) throw new Error('no space left on device')
  })
  expect((await applyUpdate(one.world)).result).toBe('rolled-back')
  expect(one.there()?.version).toBe('1.0.0')
})

/** Runs until everything that is left of `steps` has been done, then the power is gone: nothing after it happens. */
async function untilPowerCut(one: ReturnType<typeof pc>, steps: number, half: boolean): Promise<void> {
  let left = steps
  const never = <T>() => new Promise<T>(() => {})
  await new Promise<void>((dead) => {
    const goes = (): boolean => {
      if (left-- > 0) return true
      dead()
      return false
    }
    const cut =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
      (...args: A): Promise<R> =>
        goes() ? work(...args) : never()
    const { install, installed, health, healthWhen } = one.world
    const dying: InstallerWorld = {
      ...one.world,
      health: cut(health),
      healthWhen: cut(healthWhen),
      installed: cut(installed),
      install(file) {
        if (goes()) return install(file)
        // In the middle of unpacking.
        if (half) one.become({ version: '1.1.0', whole: false })
        return never()
      }
    }
    void applyUpdate(dying).finally(dead)
  })
}

test.each([false, true])(
  'wherever the power goes (half unpacked: %s), the run after it ends with a release that works and no way back open',
  async (half) => {
    for (let steps = 0; steps <= 8; steps++) {
      rmSync(join(dir, 'home'), { recursive: true, force: true })
      const one = pc()
      await untilPowerCut(one, steps, half)
      // The PC is started again: its unit looks for the file.
      if (isOpen()) await applyUpdate(one.world)
      expect([steps, one.there(), isOpen()]).toEqual([steps, { version: '1.0.0', whole: true }, false])
    }
  }
)

test('a release that was proved before the power went is kept', async () => {
  const one = pc()
  mkdirSync(join(dir, 'home', 'kept'), { recursive: true })
  writeFileSync(join(dir, 'home', 'kept', '1.0.0.deb'), packageBytes('1.0.0'))
  writeFileSync(
    join(dir, 'home', 'way-back.json'),
    JSON.stringify({ version: '1.2.0', to: '1.0.0', before: { version: '1.0.0', checks: [] }, why: null })
  )
  one.become({ version: '1.2.0', whole: true })
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'installed', version: '1.2.0', from: '1.0.0' })
  expect([one.installed, isOpen()]).toEqual([[], false])
})

test('the pauses double up to a quarter of an hour', () => {
  expect([0, 1, 2, 9, 10, 1000].map(pauseAfter)).toEqual([2000, 4000, 8000, 900_000, 900_000, 900_000])
})
