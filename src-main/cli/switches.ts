import { connect } from '../client/connection.ts'
import type { StatusView } from '../contract/api.ts'
import { personName } from '../lib/person-name.ts'
import type { Output } from './output.ts'
import { localTime } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'

/** Pauses all transfers; `forMs` null: until resumed. */
export async function pauseTransfers(options: AgentCommandOptions & { readonly forMs: number | null }, output: Output): Promise<void> {
  const { paused } = await (await connect(options)).pauseAll({ forMs: options.forMs })
  output.result({ paused }, () => `All transfers are paused ${paused?.until == null ? 'until `larder resume`' : `until ${localTime(paused.until)}`}.`)
}

export async function resumeTransfers(options: AgentCommandOptions, output: Output): Promise<void> {
  const { paused } = await (await connect(options)).resumeAll()
  output.result({ paused }, () => 'Transfers go on.')
}

export async function switchIntegration(enabled: boolean, options: AgentCommandOptions, output: Output): Promise<void> {
  showIntegration(await (await connect(options)).setIntegration(enabled, `${personName()}, command line`), output)
}

export async function integrationStatus(options: AgentCommandOptions, output: Output): Promise<void> {
  showIntegration(await (await connect(options)).status(), output)
}

function showIntegration({ integration }: StatusView, output: Output): void {
  output.result({ integration }, () => `The integration is ${integration.enabled ? 'on' : 'off'}, by ${integration.by} since ${localTime(integration.since)}.`)
}
