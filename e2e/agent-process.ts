import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { runDir } from './fixture.ts'

const command = ['--no-warnings', resolve(import.meta.dirname, '../src-main/cli/larder.ts')]

/** A headless agent in a process of its own: one that can be killed. */
export interface AgentProcess {
  readonly dataDir: string
  readonly peerPort: number
  /** `kill -9`, at once. */
  kill(): void
  /** Kills it if that has not happened, and removes its folder. */
  end(): Promise<void>
}

/** Starts an agent of the site that listens on loopback only. */
export async function startAgentProcess(options: {
  name: string
  siteKey: string
  seeds: readonly string[]
  weight: number
}): Promise<AgentProcess> {
  const dataDir = await mkdtemp(join(runDir(), 'agent-'))
  const args = [
    'agent',
    '--json',
    '--data-dir',
    dataDir,
    '--name',
    options.name,
    '--weight',
    String(options.weight),
    '--api-port',
    '0',
    '--peer-port',
    '0',
    '--beacon-port',
    '0'
  ]
  const network = [
    '--no-beacon',
    '--include-loopback',
    '--listen',
    '127.0.0.1',
    '--seed',
    ...options.seeds,
    '--set',
    'origin.trustLoopback=true',
    'sharing.withoutDigest=trust',
    'election.settleMs=0',
    'election.windowMs=60',
    'cache.minFreeBytes=0'
  ]
  const child = spawn(process.execPath, [...command, ...args, ...network], {
    env: { ...process.env, LARDER_FLEET_KEY: options.siteKey },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  const kill = (): void => void child.kill('SIGKILL')
  const end = async (): Promise<void> => {
    kill()
    await exited
    await rm(dataDir, { recursive: true, force: true })
  }
  // Its first line says that it is ready.
  const ready = await Promise.race([
    new Promise<string>((done) => child.stdout.once('data', (line: Buffer) => done(line.toString()))),
    exited
  ])
  if (ready) return { dataDir, peerPort: (JSON.parse(ready) as { peerPort: number }).peerPort, kill, end }
  await end()
  throw new Error(`The agent ${options.name} did not start`)
}

/** What the command line answers about the agent in `dataDir`. @throws what it said when it failed; an agent that is too busy to be seen is one reason */
export async function larder(dataDir: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...command,
    ...args,
    '--json',
    '--data-dir',
    dataDir
  ]).catch((error: Error & { stdout: string; stderr: string }) => {
    throw new Error(`larder ${args.join(' ')}: ${error.stdout}${error.stderr}`, { cause: error })
  })
  return JSON.parse(stdout)
}
