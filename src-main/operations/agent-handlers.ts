import type { Agent } from '../agent/agent.ts'
import { explain } from '../agent/why.ts'
import type { agentOperations } from '../contract/operations/agent.ts'
import type { hubOperations } from '../contract/operations/hub.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { API_VERSION, LARDER_VERSION } from '../contract/version.ts'
import type { Clock } from '../lib/clock.ts'
import { named, type HandlersOf, type MessageStream } from './handlers.ts'
import type { ProgramServices } from './operation-host.ts'
import { statusView } from './status-view.ts'

export function createAgentHandlers(
  clock: Clock,
  programs: () => ProgramServices
): HandlersOf<keyof typeof agentOperations | keyof typeof hubOperations> {
  const status = ({ agent }: { agent: Agent }) => statusView(agent.snapshot())
  const inMs = (ms: number | null) => (ms === null ? null : clock.wallMs() + ms)
  // One string per snapshot, however many readers there are.
  const written = new WeakMap<AgentSnapshot, string>()
  const snapshotJson = (snapshot: AgentSnapshot) => {
    let json = written.get(snapshot)
    if (json === undefined) written.set(snapshot, (json = JSON.stringify(snapshot)))
    return json
  }

  return {
    answers: {
      'agent.version': ({ challenge }, { agent: { settings } }) => ({
        name: 'larder',
        version: LARDER_VERSION,
        apiVersion: API_VERSION,
        integration: {
          enabled: settings.integration.enabled,
          defaultStaggerRangeSeconds: settings.current.integration.defaultStaggerRangeSeconds
        },
        proof: challenge === undefined ? null : programs().prove(challenge),
        ...(challenge !== undefined && programs().sign && { signature: programs().sign!(challenge) })
      }),
      'agent.openapi': () => programs().openApi(),
      'agent.status': (_, call) => status(call),
      'agent.snapshot': (_, { agent }) => agent.snapshot(),
      'agent.doctor': () => programs().examine(),
      'hub.members': (_, { agent }) => ({ members: agent.hubMembers() }),
      'hub.contents': (_, { agent }) => ({ contents: agent.hubContents() }),
      'peer.list': (_, { agent }) => ({ peers: agent.snapshot().peers }),
      'master.list': (_, { agent }) => ({ masters: agent.snapshot().masters }),
      'events.list': ({ since }, { agent }) => ({ bootId: agent.snapshot().bootId, events: agent.events(since) }),
      'why.explain': ({ about }, { agent }) =>
        explain(about, agent.snapshot(), agent.events(), (url) => agent.originQuirks(url)),
      'all.pause': ({ forMs }, call) => {
        call.agent.pauseAll(inMs(forMs))
        return status(call)
      },
      'all.resume': (_, call) => {
        call.agent.resumeAll()
        return status(call)
      },
      'serving.stop': ({ forMs }, call) => {
        call.agent.stopServing(inMs(forMs))
        return status(call)
      },
      'serving.resume': (_, call) => {
        call.agent.resumeServing()
        return status(call)
      },
      'traffic.history': (_, { agent }) => agent.trafficHistory(),
      'rates.get': (_, { agent }) => agent.rates(),
      'rates.set': ({ rates }, { agent }) => {
        agent.setRates(named(rates))
        return agent.rates()
      },
      'update.look': (_, { agent }) => {
        agent.lookForUpdate()
        return {}
      }
    },
    streams: {
      'agent.stream': (_, { agent, lastSeen, open }) => {
        const first = agent.snapshot()
        const stream = open()
        // The first number of an id is the newest event the reader knows, the second the snapshot: `<event>.<snapshot>`.
        let event = agent.events().at(-1)?.seq ?? 0
        let snapshot = first.seq
        const id = () => `${event}.${snapshot}`
        const onSnapshot = (view: AgentSnapshot) =>
          stream.sendNewest(() => {
            snapshot = view.seq
            return { event: 'snapshot', json: snapshotJson(view), id: id() }
          })
        const offEvents = followEvents(agent, stream, eventIn(lastSeen) ?? event, (seq) => ((event = seq), id()))
        onSnapshot(first)
        agent.on('snapshot', onSnapshot)
        stream.once('closed', () => {
          agent.off('snapshot', onSnapshot)
          offEvents()
        })
      },
      'events.list': ({ since }, { agent, lastSeen, open }) => {
        const stream = open()
        stream.once('closed', followEvents(agent, stream, eventIn(lastSeen) ?? since, String))
      }
    },
    bytes: {}
  }
}

/** Sends the events after `since` and each new one. @returns what ends it */
function followEvents(agent: Agent, stream: MessageStream, since: number, id: (seq: number) => string): () => void {
  const send = (event: { seq: number }) => stream.send('event', JSON.stringify(event), id(event.seq))
  for (const event of agent.events(since)) send(event)
  agent.on('event', send)
  return () => agent.off('event', send)
}

/** `12` or `12.7` → 12 */
function eventIn(id: string | undefined): number | undefined {
  const seq = /^(\d{1,15})(\.\d{1,15})?$/.exec(id ?? '')?.[1]
  return seq === undefined ? undefined : Number(seq)
}
