import { connect } from '../client/connection.ts'
import { isTrouble, type AgentEvent, type AgentEventType } from '../contract/events.ts'
import type { Output } from './output.ts'
import { describeEvent, type AgentCommandOptions } from './show.ts'
import { untilEnded } from './until-ended.ts'

/** Which events are meant; all that is given must hold. */
export interface EventFilter {
  readonly kinds?: readonly AgentEventType[]
  /** Only what went wrong. */
  readonly errors?: boolean
  /** Wall clock from which on, ms. */
  readonly from?: number
}

export function isMeant(event: AgentEvent, { kinds, errors, from }: EventFilter): boolean {
  return (
    (kinds === undefined || kinds.includes(event.type)) &&
    (errors !== true || isTrouble(event)) &&
    (from === undefined || event.at >= from)
  )
}

export interface EventOptions extends AgentCommandOptions, EventFilter {
  readonly follow?: boolean
  /** Only events after this number. */
  readonly after?: number
  /** Of those that have happened, only this number of the newest. */
  readonly last?: number
  readonly csv?: boolean
}

/** Lists what has happened, oldest first, and with `follow` what happens until the command is ended. */
export async function showEvents(options: EventOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const past = await agent.events(options.after ?? 0)
  const meant = past.filter((event) => isMeant(event, options))
  const listed = options.last === undefined ? meant : meant.slice(-options.last)
  if (options.csv === true) {
    const { eventsAsCsv } = await import('./event-export.ts')
    output.stdout.write(eventsAsCsv(listed))
    return
  }
  const show = (event: AgentEvent) =>
    output.result(event, () => (isTrouble(event) ? output.paint('red', describeEvent(event)) : describeEvent(event)))
  listed.forEach(show)
  if (options.follow !== true) return
  const since = past.at(-1)?.seq ?? options.after ?? 0
  await untilEnded(async (signal) => {
    for await (const event of agent.followEvents({ since, signal })) if (isMeant(event, options)) show(event)
  })
}
