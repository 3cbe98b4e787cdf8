import { connect } from '../client/connection.ts'
import { detectAgent } from '../client/detect.ts'
import { RetainedContents, type RetainedStats } from '../client/retained.ts'
import type { IntegrationState } from '../contract/snapshot.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import { integrationState } from '../settings/integration-state.ts'
import type { CliHost } from './cli-host.ts'
import { formatDuration } from '../contract/durations.ts'
import type { Output } from './output.ts'
import { localTime, printable } from './printable.ts'
import { openSettings, readSettings } from './settings-access.ts'
import type { AgentCommandOptions } from './show.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import { formatFacts } from './table.ts'
import { whoTypes } from './who.ts'
import { dataDirMeant } from './whose-settings.ts'

/** With the agent or, where none runs, in the settings it will start with. @throws SETTING_MANAGED naming who decides it */
export async function switchIntegration(
  enabled: boolean,
  options: AgentCommandOptions & { readonly reason?: string },
  output: Output,
  host: CliHost
): Promise<void> {
  const change = { by: whoTypes(), ...(options.reason !== undefined && { reason: options.reason }) }
  const access = await openSettings(options, host)
  const integration = access.running
    ? (await (await connect(options)).setIntegration(enabled, change)).integration
    : await setInFile()
  output.result(
    { integration, running: access.running },
    () => `The integration is ${describe(integration)}${access.running ? '' : '; no agent is running now'}.`
  )

  async function setInFile(): Promise<IntegrationState> {
    await access.set('integration.enabled', enabled, change)
    return readState({ ...options, dataDir: dataDirMeant(options, host) }, host)
  }
}

export async function integrationStatus(options: AgentCommandOptions, output: Output, host: CliHost): Promise<void> {
  const detection = await detectAgent(options)
  const running = detection.state === 'supported' || detection.state === 'integration-off'
  const meant = running ? options : { ...options, dataDir: dataDirMeant(options, host) }
  const integration = running ? (await (await connect(options)).status()).integration : readState(meant, host)
  const { settings } = readSettings(meant, host)
  const staggerRangeSeconds = detection.defaultStaggerRangeSeconds ?? settings.integration.defaultStaggerRangeSeconds
  const retained = await retainedIn(meant).stats()
  output.result(
    { integration, agent: { state: detection.state, version: detection.version }, staggerRangeSeconds, retained },
    () =>
      formatFacts([
        ['integration', describe(integration)],
        [
          'switch',
          integration.managedBy === null
            ? 'larder integration on | off'
            : `cannot be switched here; ask ${integration.managedBy}`
        ],
        ['agent', detection.why],
        [
          'programs',
          running && integration.enabled
            ? 'are served by the agent'
            : `download directly, after a random wait of up to ${formatDuration(staggerRangeSeconds * 1000)}`
        ],
        ['kept here', describeRetained(retained)]
      ])
  )
}

export async function forgetRetained(options: AgentCommandOptions, output: Output, host: CliHost): Promise<void> {
  const forgotten = await retainedIn({ dataDir: dataDirMeant(options, host) }).clear()
  output.result(forgotten, () => `Deleted: ${describeRetained(forgotten)}.`)
}

function describe({ enabled, by, since, reason }: IntegrationState): string {
  // What nobody decided has no beginning.
  const from = by === 'default' ? '' : ` since ${localTime(since)}`
  return `${enabled ? 'on' : 'off'}, by ${printable(by)}${from}${reason === null ? '' : `: ${printable(reason)}`}`
}

function readState(options: AgentCommandOptions, host: CliHost): IntegrationState {
  return integrationState(readSettings(options, host), systemClock.wallMs())
}

const retainedIn = ({ dataDir }: AgentCommandOptions): RetainedContents =>
  new RetainedContents(dataPaths(dataDir ?? defaultDataDir()).root, systemClock)

const describeRetained = ({ contents, bytes, dir }: RetainedStats): string =>
  contents === 0 ? 'nothing' : `${countOf(contents, 'content')}, ${formatSize(bytes)} in ${dir}`
