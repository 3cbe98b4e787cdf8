import { connect } from '../client/connection.ts'
import type { Output } from './output.ts'
import { localTime } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'

/** Pauses all transfers; `forMs` null: until resumed. */
export async function pauseTransfers(
  options: AgentCommandOptions & { readonly forMs: number | null },
  output: Output
): Promise<void> {
  const { paused } = await (await connect(options)).pauseAll({ forMs: options.forMs })
  output.result(
    { paused },
    () =>
      `All transfers are paused ${paused?.until == null ? 'until `larder resume`' : `until ${localTime(paused.until)}`}.`
  )
}

export async function resumeTransfers(options: AgentCommandOptions, output: Output): Promise<void> {
  const { paused } = await (await connect(options)).resumeAll()
  output.result({ paused }, () => 'Transfers continue.')
}
