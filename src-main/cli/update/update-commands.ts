import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../../client/connection.ts'
import { DoctorReport } from '../../contract/doctor.ts'
import { LARDER_VERSION } from '../../contract/version.ts'
import { machineDataDir, dataPaths } from '../../lib/data-paths.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { Settings } from '../../contract/settings.ts'
import { hasCode, LarderError } from '../../lib/errors.ts'
import { machinePlace } from '../../lib/machine-place.ts'
import { isRoot } from '../../lib/folder-owner.ts'
import { describeProblem, loadSettings } from '../../settings/load-settings.ts'
import { diskFiles } from '../../settings/settings-files.ts'
import { applyUpdate, refuseUpdate } from '../../updates/apply-update.ts'
import { INSTALLER_HOME, outcomeIn } from '../../updates/installer-folder.ts'
import type { InstallerWorld } from '../../updates/installer-world.ts'
import type { Health } from '../../updates/judge-health.ts'
import { releaseKeys } from '../../updates/release-keys.ts'
import { Outcome } from '../../updates/update-machine.ts'
import { WAY_BACK_FILE } from '../../updates/way-back-file.ts'
import type { CliHost } from '../cli-host.ts'
import type { Output } from '../output.ts'
import { localTime, printable } from '../printable.ts'
import type { AgentCommandOptions } from '../show.ts'
import { formatFacts } from '../table.ts'
import { installedForm, spoolIn } from './package-installer.ts'
import { systemPackages } from './system-packages.ts'

/** A new release has this long to be as healthy as the old one. */
const HEALTHY_WITHIN_MS = 90_000
const LOOK_EVERY_MS = 2000
const COMMAND_TIMEOUT_MS = 10 * 60_000
const MAX_OUTPUT_CHARS = 4 * 1024 * 1024
const LARDER = '/usr/bin/larder'

/** Installs what the agent has handed over; started by the unit of the package. @throws RIGHT_MISSING, UPDATES_UNAVAILABLE, UPDATE_… */
export async function applyHandedOver(output: Output, host: CliHost): Promise<void> {
  if (!isRoot()) throw new LarderError('RIGHT_MISSING', 'Only root can install releases')
  const about = { home: INSTALLER_HOME, version: LARDER_VERSION, wallMs: () => systemClock.wallMs() }
  let world: InstallerWorld
  try {
    world = { ...about, ...installerHere(output, host) }
  } catch (error) {
    await refuseUpdate(about, LarderError.from(error))
    throw error
  }
  const outcome = await applyUpdate(world)
  output.result(outcome, () => describeOutcome(outcome))
  if (outcome.result !== 'installed')
    throw new LarderError(outcome.code ?? 'UPDATE_FAILED', describeOutcome(outcome), { version: outcome.version })
}

/** @throws UPDATES_UNAVAILABLE */
function installerHere(output: Output, host: CliHost): Omit<InstallerWorld, 'home' | 'version' | 'wallMs'> {
  const dataDir = machineDataDir()
  const { updates } = loadSettings(diskFiles(dataPaths(dataDir), host.policyFile)).settings
  const form = installedForm()
  // A way back is gone to its end also where no release is to come any more.
  const wanted = existsSync(join(INSTALLER_HOME, WAY_BACK_FILE)) || (updates.enabled && releaseKeys.length > 0)
  if (!wanted || form === null)
    throw new LarderError(
      'UPDATES_UNAVAILABLE',
      form === null
        ? 'Larder was not installed from a package that updates itself'
        : updates.enabled
          ? 'This build has no release key'
          : 'updates.enabled is off'
    )
  const manager = systemPackages[form]
  return {
    spool: spoolIn(dataDir),
    keys: releaseKeys,
    form,
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    channel: updates.channel,
    install: async (file) => {
      const [program, ...args] = manager.install
      const { code, stderr } = await run(program, [...args, file])
      if (code !== 0) throw new Error(`exit code ${code}: ${stderr.trim().slice(-500)}`)
    },
    async installed() {
      const [program, ...args] = manager.installed
      return manager.read(await run(program, args))
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
    wait: sleepReferenced,
    note: (text) => output.note(`larder: ${text}`)
  }
}

export async function lookForUpdate(options: AgentCommandOptions, output: Output): Promise<void> {
  await (await connect(options)).lookForUpdate()
  output.result(
    { looking: true },
    () => 'The agent is looking; `larder events` and `larder update status` tell what it finds.'
  )
}

/** What the installer has done last on this PC. */
export async function showUpdates(output: Output, host: CliHost): Promise<void> {
  const updates = await updatesOfService(host)
  const last = lastOutcome()
  const form = installedForm()
  output.result(
    {
      version: LARDER_VERSION,
      form,
      enabled: updates.enabled,
      manifestUrl: updates.manifestUrl,
      channel: updates.channel,
      ...('unknown' in updates && { unknown: updates.unknown }),
      releaseKeys: releaseKeys.length,
      last
    },
    () =>
      formatFacts([
        ['installed', `${LARDER_VERSION}, ${form === null ? 'not by a package that updates itself' : `by ${form}`}`],
        ['updates itself', describeUpdates(updates)],
        ['channel', updates.channel ?? 'unknown'],
        ['release keys', releaseKeys.length === 0 ? 'none in this build' : String(releaseKeys.length)],
        ['last update', last ? `${localTime(last.at)}: ${describeOutcome(last)}` : 'none']
      ])
  )
}

type UpdatesSeen = Pick<Settings['updates'], 'enabled' | 'manifestUrl' | 'channel'>
/** `unknown`: why they are not known. */
type UpdatesUnknown = Readonly<Record<keyof UpdatesSeen, null>> & { readonly unknown: string }

/** What counts for the agent of all users: as it says, or as its files do while it does not run. */
async function updatesOfService(host: CliHost): Promise<UpdatesSeen | UpdatesUnknown> {
  try {
    const agent = await connect({ machinePlace: host.machinePlace ?? machinePlace() })
    if (agent.machine) {
      const { settings } = await agent.settings()
      const of = (name: keyof UpdatesSeen) => settings.find((one) => one.name === `updates.${name}`)?.value
      return Settings.parse({
        updates: { enabled: of('enabled'), manifestUrl: of('manifestUrl'), channel: of('channel') }
      }).updates
    }
  } catch (error) {
    if (!hasCode(error, 'AGENT_NOT_RUNNING', 'AGENT_UNSUPPORTED', 'BUSY')) throw error
  }
  const loaded = loadSettings(diskFiles(dataPaths(host.machineDataDir ?? machineDataDir()), host.policyFile))
  const lost = loaded.problems.find(({ inForce }) => inForce === 'nothing')
  return lost
    ? { enabled: null, manifestUrl: null, channel: null, unknown: describeProblem(lost) }
    : loaded.settings.updates
}

function describeUpdates(updates: UpdatesSeen | UpdatesUnknown): string {
  if ('unknown' in updates) return `unknown: ${printable(updates.unknown)}`
  return updates.enabled
    ? `yes, from ${updates.manifestUrl ?? 'nowhere: updates.manifestUrl is not set'}`
    : 'no (updates.enabled)'
}

function lastOutcome(): Outcome | null {
  try {
    return Outcome.parse(JSON.parse(readFileSync(outcomeIn(INSTALLER_HOME), 'utf8')))
  } catch {
    return null
  }
}

function describeOutcome({ result, version, from, why }: Outcome): string {
  if (result === 'installed') return `${version} is installed; it replaced ${from}`
  if (result === 'stuck')
    return `${version} has to go, and ${from} cannot be installed again yet: ${printable(why ?? '')}`
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
