import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RunScope } from './run-scope.ts'

let dir: string
let logFile: string
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'larder-scope-test-'))
  logFile = path.join(dir, 'log')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const program = (text: string): string[] => ['-e', text]
const waiting = 'console.log(JSON.stringify({ ready: true })); setInterval(() => {}, 1000)'

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // An orphan that has ended may wait for a lazy init to notice.
    return !(process.platform === 'linux' && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
  } catch {
    return false
  }
}

test('a program is ready when it has said so, and is gone with its folder after the end', async () => {
  const scope = new RunScope()
  const folder = scope.folder('x')
  const child = await scope.start(process.execPath, program(waiting), { logFile })
  expect(child.ready).toEqual({ ready: true })
  expect(isRunning(child.pid)).toBe(true)
  await scope.close()
  expect(child.ended).toBe(true)
  expect(existsSync(folder)).toBe(false)
})

test('a program that does not want to end is ended', async () => {
  const scope = new RunScope({ stopMs: 200 })
  const child = await scope.start(process.execPath, program(`process.on('SIGTERM', () => {}); ${waiting}`), { logFile })
  await scope.close()
  expect(isRunning(child.pid)).toBe(false)
})

test('a program that ends at once tells why', async () => {
  const scope = new RunScope()
  await expect(
    scope.start(process.execPath, program('console.error("no such luck"); process.exit(3)'), { logFile })
  ).rejects.toThrow(/exit code 3[\s\S]*no such luck/)
  await scope.close()
})

test('a program that says something else than JSON is not taken for ready', async () => {
  const scope = new RunScope()
  await expect(
    scope.start(process.execPath, program(waiting.replace('JSON.stringify({ ready: true })', '"hello"')), { logFile })
  ).rejects.toThrow('"hello" instead of JSON')
  await scope.close()
})

test('a program that is not there is an error, not a crash', async () => {
  const scope = new RunScope()
  await expect(scope.start('/no/such/program', [], { logFile })).rejects.toThrow('ENOENT')
  await scope.close()
})

test('folders stay when they are to be kept', async () => {
  const scope = new RunScope({ keepFolders: true })
  const folder = scope.folder('kept')
  await scope.close()
  expect(scope.kept).toEqual([folder])
  rmSync(folder, { recursive: true })
})

test.for([
  ['is interrupted', `process.kill(process.pid, 'SIGINT')`, 130],
  ['is told to end', `process.kill(process.pid, 'SIGTERM')`, 143],
  ['throws', `setImmediate(() => { throw new Error('oops') })`, 1]
] as const)('nothing is left behind when the run %s', async ([, how, code], { skip }) => {
  skip(process.platform === 'win32', 'Windows has no signals that a program can hear')
  const script = path.join(dir, 'run.ts')
  const out = path.join(dir, 'out.json')
  writeFileSync(
    script,
    `import { RunScope } from ${JSON.stringify(path.join(import.meta.dirname, 'run-scope.ts'))}
     import { writeFileSync } from 'node:fs'
     const scope = new RunScope()
     const folder = scope.folder('interrupted')
     const child = await scope.start(process.execPath, ['-e', ${JSON.stringify(waiting)}], { logFile: ${JSON.stringify(logFile)} })
     writeFileSync(${JSON.stringify(out)}, JSON.stringify({ folder, pid: child.pid }))
     ${how}
     setInterval(() => {}, 1000)`
  )
  const exitCode = await new Promise((resolve) =>
    execFile(process.execPath, [script], (error) => resolve(error?.code ?? 0))
  )
  const { folder, pid } = JSON.parse(readFileSync(out, 'utf8')) as { folder: string; pid: number }
  expect(exitCode).toBe(code)
  await expect.poll(() => isRunning(pid)).toBe(false)
  expect(existsSync(folder)).toBe(false)
})
