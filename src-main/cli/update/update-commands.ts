import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from '../../client/connection.ts'
import { DoctorReport } from '../../contract/doctor.ts'
import { LARDER_VERSION } from '../../contract/version.ts'
import { machineDataDir, dataPaths } from '../../lib/data-paths.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import { isRoot } from '../../lib/folder-owner.ts'
import { loadSettings } from '../../settings/load-settings.ts'
import { diskFiles } from '../../settings/settings-files.ts'
import { applyUpdate } from '../../updates/apply-update.ts'
import type { Health } from '../../updates/judge-health.ts'
import { releaseKeys } from '../../updates/release-keys.ts'
import { Outcome } from '../../updates/update-machine.ts'
import type { CliHost } from '../cli-host.ts'
import type { Output } from '../output.ts'
import { localTime, printable } from '../printable.ts'
import type { AgentCommandOptions } from '../show.ts'
import { formatFacts } from '../table.ts'
import { INSTALLER_HOME, installedForm, outcomeIn, spoolIn } from './package-installer.ts'

/** A new release has so long to be as healthy as the old one. */
const HEALTHY_WITHIN_MS = 90_000
const LOOK_EVERY_MS = 2000
const COMMAND_TIMEOUT_MS = 10 * 60_000
const MAX_OUTPUT_CHARS = 4 * 1024 * 1024
const LARDER = '/usr/bin/larder'

/** How each package manager installs a file without asking anybody, also an older one. */
const installCommands = {
  deb: ['/usr/bin/dpkg', '--force-confold', '--install'],
  rpm: ['/usr/bin/rpm', '--upgrade', '--oldpackage', '--replacepkgs']
} as const

/** Installs what the agent has handed over; started by the unit of the package. @throws RIGHT_MISSING, UPDATES_UNAVAILABLE, UPDATE_… */
export async function applyHandedOver(output: Output, host: CliHost): Promise<void> {
  if (!isRoot()) throw new LarderError('RIGHT_MISSING', 'Only root installs releases')
  const dataDir = machineDataDir()
  const { updates } = loadSettings(diskFiles(dataPaths(dataDir), host.policyFile)).settings
  const form = installedForm()
  if (!updates.enabled || form === null || releaseKeys.length === 0)
    throw new LarderError(
      'UPDATES_UNAVAILABLE',
      form === null
        ? 'Larder was not installed by a package that updates itself'
        : updates.enabled
          ? 'This build has no release key'
          : 'updates.enabled is off'
    )
  const outcome = await applyUpdate({
    spool: spoolIn(dataDir),
    home: INSTALLER_HOME,
    keys: releaseKeys,
    version: LARDER_VERSION,
    form,
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    channel: updates.channel,
    wallMs: () => systemClock.wallMs(),
    install: async (file) => {
      const [program, ...args] = installCommands[form]
      const { code, stderr } = await run(program, [...args, file])
      if (code !== 0) throw new Error(`exit code ${code}: ${stderr.trim().slice(-500)}`)
    },
    health,
    async healthWhen(good) {
      const untilMs = systemClock.monotonicMs() + HEALTHY_WITHIN_MS
      for (;;) {
        const now = await health()
        if (good(now) || systemClock.monotonicMs() >= untilMs) return now
        await sleepReferenced(LOOK_EVERY_MS)
      }
    },
    note: (text) => output.note(`larder: ${text}`)
  })
  output.result(outcome, () => describeOutcome(outcome))
  if (outcome.result !== 'installed')
    throw new LarderError(outcome.code ?? 'UPDATE_FAILED', describeOutcome(outcome), { version: outcome.version })
}

export async function lookForUpdate(options: AgentCommandOptions, output: Output): Promise<void> {
  await (await connect(options)).lookForUpdate()
  output.result(
    { looking: true },
    () => 'The agent is looking; `larder events` and `larder update status` tell what it finds.'
  )
}

/** What the installer has done last on this PC. */
export function showUpdates(output: Output, host: CliHost): void {
  const { updates } = loadSettings(diskFiles(dataPaths(machineDataDir()), host.policyFile)).settings
  const last = lastOutcome()
  const form = installedForm()
  output.result(
    {
      version: LARDER_VERSION,
      form,
      enabled: updates.enabled,
      manifestUrl: updates.manifestUrl,
      channel: updates.channel,
      releaseKeys: releaseKeys.length,
      last
    },
    () =>
      formatFacts([
        ['installed', `${LARDER_VERSION}, ${form === null ? 'not by a package that updates itself' : `by ${form}`}`],
        [
          'updates itself',
          updates.enabled
            ? `yes, from ${updates.manifestUrl ?? 'nowhere: updates.manifestUrl is not set'}`
            : 'no (updates.enabled)'
        ],
        ['channel', updates.channel],
        ['release keys', releaseKeys.length === 0 ? 'none in this build' : String(releaseKeys.length)],
        ['last update', last ? `${localTime(last.at)}: ${describeOutcome(last)}` : 'none']
      ])
  )
}

function lastOutcome(): Outcome | null {
  try {
    return Outcome.parse(JSON.parse(readFileSync(outcomeIn(INSTALLER_HOME), 'utf8')))
  } catch {
    return null
  }
}

function describeOutcome({ result, version, from, why }: Outcome): string {
  if (result === 'installed') return `${version} is installed, after ${from}`
  if (result === 'rolled-back') return `${version} was taken back, ${from} is installed: ${printable(why ?? '')}`
  return `not installed: ${printable(why ?? '')}`
}

/** Of the release that is on the disk now, by its own command: this program's files may have been replaced meanwhile. */
async function health(): Promise<Health | null> {
  const status = await run(LARDER, ['status', '--json'])
  if (status.code !== 0) return null
  const doctor = await run(LARDER, ['doctor', '--json'])
  try {
    const { version } = JSON.parse(status.stdout) as { version: string }
    return { version, checks: DoctorReport.parse(JSON.parse(doctor.stdout.trim().split('\n')[0]!)).checks }
  } catch {
    return null
  }
}

/** The timer of a clock does not keep a process alive; here nothing else does. */
const sleepReferenced = (ms: number): Promise<void> => {
  const alive = setInterval(() => {}, ms)
  return sleep(systemClock, ms).finally(() => clearInterval(alive))
}

function run(program: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' }
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (said[name].length < MAX_OUTPUT_CHARS) said[name] += text
      })
    child.once('error', (error) => resolve({ code: 127, stdout: '', stderr: error.message }))
    child.once('close', (code) => resolve({ code: code ?? 1, ...said }))
  })
}
