import fc from 'fast-check'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fateOf, KEPT_MS, removeLeftovers, type FoundPart } from './leftovers.ts'
import { destinationId, keptPartName, newPartName, parsePartName, sourceId } from './part-name.ts'
import { thisProcess, type ThisProcess } from './this-process.ts'

const path = '/folder/setup.msi'
const here: ThisProcess = { pid: 1, place: '0a'.repeat(4), bootedMs: 1000, isAlive: (pid) => pid < 100 }
const source = sourceId(['https://o.test/setup.msi', '"1"', 7])

/** Short and long, in scripts of one to four bytes a character, with dots and digits where a part has its own. */
const names = fc
  .array(fc.constantFrom('a', 'é', '中', '💾', '.', ' ', '-', '\n', '0a', 'long'.repeat(30)), {
    minLength: 1,
    maxLength: 40
  })
  .map((parts) => parts.join(''))

test('a name says again what it was made of, whatever the destination is called', () => {
  fc.assert(
    fc.property(names, fc.boolean(), (name, kept) => {
      const file = kept ? keptPartName(`/f/${name}`, source) : newPartName(`/f/${name}`, source, here)
      expect(Buffer.byteLength(file)).toBeLessThanOrEqual(255)
      expect(parsePartName(file)).toEqual({
        file,
        destination: destinationId(`/f/${name}`),
        source,
        writer: kept ? null : { pid: 1, place: here.place }
      })
    })
  )
})

test('no other name is taken for a part, and a part of no source has none', () => {
  expect(parsePartName(newPartName(path, null, here))).toMatchObject({ source: null, writer: { pid: 1 } })
  fc.assert(fc.property(fc.string(), (name) => parsePartName(name) === undefined))
  for (const name of ['setup.msi', '.setup.msi.larder-part', `${keptPartName(path, source)}x`, 'x.larder-part'])
    expect(parsePartName(name), name).toBeUndefined()
})

const found = fc.record({
  mine: fc.boolean(),
  source: fc.constantFrom(source, sourceId(['other']), null),
  writer: fc.constantFrom(
    null,
    { pid: 7, place: here.place },
    { pid: 700, place: here.place },
    { pid: 7, place: 'ff'.repeat(4) }
  ),
  own: fc.boolean(),
  writtenMs: fc.constantFrom(500, 2000, 2000 + KEPT_MS)
})

test('nothing of another user or of a running writer is touched, and only bytes that are sure are gone on with', () => {
  fc.assert(
    fc.property(found, fc.constantFrom(source, null), (part, wanted) => {
      const destination = part.mine ? destinationId(path) : destinationId('/folder/other')
      const seen: FoundPart = { name: { file: 'f', destination, ...part }, own: part.own, writtenMs: part.writtenMs }
      const fate = fateOf(
        seen,
        { destination: destinationId(path), source: wanted },
        { ...here, wallMs: 3000 + KEPT_MS }
      )
      const restarted = part.writtenMs < here.bootedMs
      const running = part.writer?.place === here.place && part.writer.pid < 100 && !restarted
      if (!part.own) expect(fate).toBe('leave')
      else if (running) expect(fate).toBe(part.mine ? 'busy' : 'leave')
      if (fate === 'resume') {
        expect(part).toMatchObject({ mine: true, own: true, source: wanted })
        expect(part.writer === null || (part.writer.place === here.place && !restarted)).toBe(true)
      }
      if (fate === 'remove') expect(part.mine || part.writtenMs < 3000).toBe(true)
    }),
    { numRuns: 2000 }
  )
})

test('leftovers go by age, at once when nobody can go on with them, and whole when asked for', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'larder-left-'))
  try {
    const to = join(dir, 'setup.msi')
    const self = thisProcess()
    const dead = { ...self, isAlive: () => false }
    const old = new Date(Date.now() - KEPT_MS - 1000)
    const kept = keptPartName(to, source)
    const useless = newPartName(to, null, self)
    const ofOther = keptPartName(join(dir, 'other'), source)
    for (const name of [kept, useless, ofOther, 'setup.msi']) await writeFile(join(dir, name), 'x')
    expect(await removeLeftovers(to)).toEqual({ removed: [], left: true })
    expect(await removeLeftovers(to, { process: dead })).toEqual({ removed: [join(dir, useless)], left: true })
    await utimes(join(dir, ofOther), old, old)
    expect(await removeLeftovers(to)).toEqual({ removed: [join(dir, ofOther)], left: true })
    await utimes(join(dir, kept), old, old)
    expect(await removeLeftovers(to)).toEqual({ removed: [join(dir, kept)], left: false })
    await writeFile(join(dir, kept), 'x')
    expect(await removeLeftovers(to, { all: true })).toEqual({ removed: [join(dir, kept)], left: false })
    expect(await readdir(dir)).toEqual(['setup.msi'])
  } finally {
    await rm(dir, { recursive: true })
  }
})
