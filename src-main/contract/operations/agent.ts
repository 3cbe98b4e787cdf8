import { z } from 'zod'
import { TrafficHistory } from '../traffic.ts'
import { StatusView, VersionView } from '../api.ts'
import { DoctorReport } from '../doctor.ts'
import { AgentEvent } from '../events.ts'
import { AgentSnapshot, MasterView, PeerView } from '../snapshot.ts'
import { WhyView } from '../why.ts'
import { RatesAnswer, RatesSpec } from '../rates.ts'
import { Done, StopMs, type Operation } from './operation.ts'

/** What is asked about the agent as a whole: how it is, what happened, and how fast it may be. */
export const agentOperations = {
  'agent.version': {
    summary: 'The agent’s version, and whether the integration is on. Needs no token.',
    who: 'anyone',
    right: 'user',
    input: z.object({
      challenge: z
        .string()
        .regex(/^[0-9a-f]{32,128}$/, 'expected 32 to 128 hex digits')
        .optional()
    }),
    answer: VersionView,
    errors: [],
    http: { method: 'GET', path: '/v1/version' }
  },
  'agent.openapi': {
    summary: 'This document.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: z.looseObject({ openapi: z.string() }),
    errors: [],
    http: { method: 'GET', path: '/v1/openapi.json' }
  },
  'agent.status': {
    summary: 'The agent in a few lines.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: StatusView,
    errors: [],
    http: { method: 'GET', path: '/v1/status' }
  },
  'agent.snapshot': {
    summary: 'Everything a window shows.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: AgentSnapshot,
    errors: [],
    http: { method: 'GET', path: '/v1/snapshot' }
  },
  'agent.stream': {
    summary: 'Snapshots as they change and events as they happen. A slow reader misses snapshots, then the connection.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    stream: { snapshot: AgentSnapshot, event: AgentEvent },
    errors: ['BUSY'],
    http: { method: 'GET', path: '/v1/stream' }
  },
  'agent.doctor': {
    summary: 'Checks everything this PC needs for sharing, and says what to fix.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: DoctorReport,
    errors: [],
    http: { method: 'POST', path: '/v1/doctor' }
  },
  'peer.list': {
    summary: 'Other agents seen, connected, refused, lost.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: z.object({ peers: z.array(PeerView) }),
    errors: [],
    http: { method: 'GET', path: '/v1/peers' }
  },
  'master.list': {
    summary: 'Who was elected for which content, and why.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: z.object({ masters: z.array(MasterView) }),
    errors: [],
    http: { method: 'GET', path: '/v1/masters' }
  },
  'events.list': {
    summary:
      'What happened after the event number `since`, oldest first; at most 1,000 are kept. As a stream, events too.',
    who: 'all',
    right: 'user',
    input: z.object({ since: z.number().int().min(0).default(0) }),
    answer: z.object({ bootId: z.string(), events: z.array(AgentEvent) }),
    stream: { event: AgentEvent },
    errors: ['BUSY'],
    http: { method: 'GET', path: '/v1/events' }
  },
  'why.explain': {
    summary: 'Why downloads came from where they did: by request id, content key, digest, or (part of) the URL.',
    who: 'all',
    right: 'user',
    input: z.object({ about: z.string().min(1).max(8192) }),
    answer: WhyView,
    errors: ['NOT_FOUND'],
    http: { method: 'GET', path: '/v1/why' }
  },
  'all.pause': {
    summary: 'Pauses all transfers.',
    who: 'all',
    input: z.object({ forMs: StopMs }),
    answer: StatusView,
    windowAnswer: Done,
    errors: [],
    http: { method: 'POST', path: '/v1/pause' }
  },
  'all.resume': {
    summary: 'Lets all transfers go on.',
    who: 'all',
    input: z.object({}),
    answer: StatusView,
    windowAnswer: Done,
    errors: [],
    http: { method: 'POST', path: '/v1/resume' }
  },
  'serving.stop': {
    summary: 'Serves no peers and is not elected master until then.',
    who: 'all',
    input: z.object({ forMs: StopMs }),
    answer: StatusView,
    windowAnswer: Done,
    errors: [],
    http: { method: 'POST', path: '/v1/serving/stop' }
  },
  'serving.resume': {
    summary: 'Serves peers again.',
    who: 'all',
    input: z.object({}),
    answer: StatusView,
    windowAnswer: Done,
    errors: [],
    http: { method: 'POST', path: '/v1/serving/resume' }
  },
  'traffic.history': {
    summary: 'Bytes per second of the last five minutes by where they came from and went, verified or not.',
    who: 'all',
    right: 'user',
    input: z.object({}),
    answer: TrafficHistory,
    errors: [],
    http: { method: 'GET', path: '/v1/traffic' }
  },
  'rates.get': {
    summary: 'What holds transfers back now, and the caps of each hour of the week.',
    who: 'all',
    right: 'user',
    input: z.object({}),
    answer: RatesAnswer,
    errors: [],
    http: { method: 'GET', path: '/v1/rates' }
  },
  'rates.set': {
    summary: 'Changes rates until the agent next reads its settings; null lifts a cap.',
    who: 'all',
    input: z.object({ rates: RatesSpec }),
    answer: RatesAnswer,
    errors: ['SETTING_MANAGED'],
    http: { method: 'POST', path: '/v1/rates', whole: 'rates' }
  },
  'update.look': {
    summary: 'Looks for a new release of Larder now; what comes of it is told by events.',
    who: 'programs',
    input: z.object({}),
    answer: Done,
    errors: ['UPDATES_UNAVAILABLE'],
    http: { method: 'POST', path: '/v1/update/look' }
  }
} as const satisfies Record<string, Operation>
