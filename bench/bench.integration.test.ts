import { execFile } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'

/** Runs a bench as a user does, with real agents in processes of their own. */
function bench(file: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(import.meta.dirname, file), ...args],
      { maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr })
    )
  })
}

// On a busy machine agents must wait rather than fall back, or the figures are about the machine.
const patient = ['transfers.firstByteMs=110000', 'transfers.stallMs=110000', 'election.leaseMs=60000'].flatMap(
  (setting) => ['--set', setting]
)

test('the demo ends well although the master is killed half way', async () => {
  const { code, stdout, stderr } = await bench('demo.ts', '--size', '12MiB', '--agents', '4', '--rate-mbit', '30')
  expect(stderr).toBe('')
  expect(stdout).toMatch(/was elected master[\s\S]*kill -9[\s\S]*was elected master/)
  expect(stdout).toContain('3 of 3 files have the SHA-256 of the original')
  expect(code).toBe(0)
})

// Samples of what peers gave, taken at the origin, are no downloads.
const unsampled = ['--set', 'sharing.withoutDigest=trust']

test('a site of agents that ask at once for small files downloads each of them once', async () => {
  const { code, stdout, stderr } = await bench(
    'site.ts',
    '--agents',
    '3',
    '--files',
    '25',
    '--size',
    '10KiB',
    '--json',
    ...patient,
    ...unsampled
  )
  expect(stderr).toBe('')
  const report = JSON.parse(stdout) as Record<string, unknown>
  expect(report).toMatchObject({
    agents: 3,
    files: 25,
    wrongFiles: 0,
    failedRequests: 0,
    takeoverSeconds: null,
    originRatio: 1
  })
  for (const key of [
    'firstSeconds',
    'lastSeconds',
    'optimumSeconds',
    'cpuSecondsPerGiB',
    'peakRssMiB',
    'eventLoopP99Ms',
    'electionMs',
    'baseline'
  ])
    expect(report).toHaveProperty(key)
  expect(code).toBe(0)
})

test('two agents hand a file on without the origin', async () => {
  const { code, stdout } = await bench('transfer.ts', '--size', '20MiB', '--json', ...patient)
  expect(JSON.parse(stdout)).toMatchObject({ transfers: [{ right: true, fromPeers: 1 }] })
  expect(code).toBe(0)
})
