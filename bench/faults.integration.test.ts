import { execFile } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'

/** Runs a bench with `--json`. @returns its report, and what it said meanwhile for the case that it is not as expected */
function report(file: string, ...args: string[]): Promise<{ code: number; report: any; said: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(import.meta.dirname, file), ...args, '--json'],
      { maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve({ code: error ? 1 : 0, report: stdout === '' ? undefined : JSON.parse(stdout), said: stderr })
    )
  })
}

const asRoot = process.platform === 'linux' && process.getuid?.() === 0

test('a site comes through a killed master, a stopped PC, a partition, bad ways, a full and a damaged disk', async () => {
  const faults = [
    'kill -9 of the master',
    'SIGSTOP',
    'partition (cut)',
    'slow and lossy',
    'index and contents damaged',
    ...(asRoot ? ['disk full'] : [])
  ]
  const {
    code,
    report: found,
    said
  } = await report(
    'faults.ts',
    '--one-site',
    '--only',
    faults.join(','),
    '--times',
    '1',
    '--minutes',
    '5',
    '--stop-seconds',
    '2'
  )
  expect(
    found.tallies.flatMap(({ broken }: { broken: string[] }) => broken),
    said
  ).toEqual([])
  expect(found.tallies.map(({ times, held }: { times: number; held: number }) => [times, held])).toEqual(
    faults.map(() => [1, 1])
  )
  expect(code).toBe(0)
}, 300_000)

test('two PCs under attack exchange every content and keep their memory', async () => {
  const { code, report: found, said } = await report('flood.ts', '--seconds', '5', '--blocks', '1')
  expect(found, said).toMatchObject({ perSecond: 1000, slowdown: expect.any(Number) })
  expect(found.transfers).toBeGreaterThan(4)
  expect(found.fromPeers).toBe(found.transfers)
  for (const bytes of found.growthBytes) expect(bytes).toBeLessThan(30 * 1024 * 1024)
  expect(code).toBe(0)
})
