import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkOutput } from '../testing/check-output.ts'
import { main } from './main.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-fleet-cli-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

/** One command with `--json`; its last line parsed. */
async function larder(...args: string[]): Promise<{ code: number; answer: Record<string, unknown> }> {
  let text = ''
  const sink = new Writable({ write: (chunk, _encoding, done) => ((text += String(chunk)), done()) })
  const code = await main([...args, '--json'], { stdout: sink, stderr: sink })
  checkOutput([...args, '--json'], text)
  return { code, answer: JSON.parse(text.trim().split('\n').at(-1)!) as Record<string, unknown> }
}
const at = (name: string) => join(dir, name)
const on = (pc: string) => ['--data-dir', at(pc)]
const failed = (code: string) => ({
  code: expect.toSatisfy((exit: number) => exit !== 0),
  answer: { error: expect.objectContaining({ code }) }
})

// Each command makes keys and certificates; beside other work that takes its time.
describe('larder fleet', { timeout: 120_000 }, () => {
  it('enrols the PC of the CA in one command, and others by files', async () => {
    expect(await larder('fleet', 'init', ...on('pc-1'))).toMatchObject({ code: 0, answer: { sealed: false } })
    expect(await larder('fleet', 'enroll', '--name', 'pc-1', ...on('pc-1'))).toMatchObject({
      code: 0,
      answer: { renewed: false }
    })
    const { answer: asked } = await larder(
      'fleet',
      'enroll',
      '--request',
      at('request.pem'),
      '--name',
      'pc-2',
      ...on('pc-2')
    )
    expect(
      await larder('fleet', 'sign', at('request.pem'), '-o', at('answer.json'), '--days', '30', ...on('pc-1'))
    ).toMatchObject({ code: 0, answer: { name: 'pc-2', peer: asked['peer'] } })
    if (process.platform !== 'win32') expect((await stat(at('answer.json'))).mode & 0o777).toBe(0o600)
    expect(await larder('fleet', 'install', at('answer.json'), ...on('pc-1'))).toMatchObject(failed('FLEET_INVALID'))
    expect(await larder('fleet', 'install', at('answer.json'), ...on('pc-2'))).toMatchObject({
      code: 0,
      answer: { peer: asked['peer'] }
    })
    const [one, two] = [await larder('fleet', 'show', ...on('pc-1')), await larder('fleet', 'show', ...on('pc-2'))]
    expect(two.answer).toMatchObject({ via: 'ca', ca: one.answer['ca'], denyListNumber: 0 })
    expect(one.answer['holdsCa']).toMatchObject({ members: [{ name: 'pc-1' }, { name: 'pc-2', deniedAt: null }] })
    const { answer: renewed } = await larder('fleet', 'renew', '--days', '700', ...on('pc-1'))
    expect(renewed).toMatchObject({ renewed: true })
    expect(renewed['expiresAt']).toBeGreaterThan(one.answer['expiresAt'] as number)
  })

  it('hands a deny list to the agent of this PC, or writes it for another member', async () => {
    await larder('fleet', 'init', '--ca-dir', at('ca'), ...on('admin'))
    await larder('fleet', 'enroll', '--request', at('r'), '--name', 'pc-2', ...on('pc-2'))
    await larder('fleet', 'sign', at('r'), '-o', at('a'), '--ca-dir', at('ca'), ...on('admin'))
    await larder('fleet', 'install', at('a'), ...on('pc-2'))
    expect(await larder('fleet', 'revoke', 'nobody', '--ca-dir', at('ca'), ...on('admin'))).toMatchObject(
      failed('NOT_FOUND')
    )
    // The holder of the CA is not a member here, so the list must leave by file.
    expect(await larder('fleet', 'revoke', 'pc-2', '--ca-dir', at('ca'), ...on('admin'))).toMatchObject(
      failed('FLEET_INVALID')
    )
    expect(
      await larder('fleet', 'revoke', 'pc-2', '-o', at('list'), '--ca-dir', at('ca'), ...on('admin'))
    ).toMatchObject({ code: 0, answer: { handed: false, denied: 1 } })
    expect(await larder('fleet', 'install', at('list'), ...on('pc-2'))).toMatchObject({
      code: 0,
      answer: { denied: 1 }
    })
    expect(await larder('fleet', 'install', at('list'), ...on('admin'))).toMatchObject(failed('FLEET_INVALID'))
    expect(await larder('fleet', 'leave', ...on('pc-2'))).toMatchObject({ code: 0 })
    expect(await larder('fleet', 'show', ...on('pc-2'))).toMatchObject({ code: 0, answer: { via: 'none' } })
  })

  it('keeps the CA’s key under a passphrase', async () => {
    await writeFile(at('pass'), 'correct horse battery\n')
    await writeFile(at('wrong'), 'incorrect horse!\n')
    expect(await larder('fleet', 'init', '--passphrase-file', at('pass'), ...on('pc-1'))).toMatchObject({
      code: 0,
      answer: { sealed: true }
    })
    expect(await larder('fleet', 'enroll', ...on('pc-1'))).toMatchObject(failed('FLEET_CA_UNUSABLE'))
    expect(await larder('fleet', 'enroll', '--passphrase-file', at('wrong'), ...on('pc-1'))).toMatchObject(
      failed('FLEET_CA_UNUSABLE')
    )
    expect(await larder('fleet', 'enroll', '--passphrase-file', at('pass'), ...on('pc-1'))).toMatchObject({ code: 0 })
    expect(await larder('fleet', 'init', '--passphrase-file', at('pass'), ...on('pc-1'))).toMatchObject(
      failed('FLEET_CA_UNUSABLE')
    )
  })

  it('says what is wrong with a file that is none of its own', async () => {
    await writeFile(at('junk'), '{"larder":"fleet-enrolment"}')
    for (const file of [at('junk'), at('none')])
      expect(await larder('fleet', 'install', file, ...on('pc-1'))).toMatchObject(failed('FLEET_INVALID'))
    await writeFile(at('huge'), Buffer.alloc(200_000, 0x20))
    expect(await larder('fleet', 'install', at('huge'), ...on('pc-1'))).toMatchObject(failed('FLEET_INVALID'))
    expect(await larder('fleet', 'renew', ...on('pc-1'))).toMatchObject(failed('FLEET_INVALID'))
  })
})
