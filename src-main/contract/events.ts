import { z } from 'zod'
import { ErrorCode } from './errors.ts'
import { ContentKey, PeerId, RequestId } from './ids.ts'
import { ReasonCode } from './request.ts'

/** Things people and programs want to know about afterwards. Numbered per run of the agent. */
export const AgentEvent = z.object({
  seq: z.number().int().positive(),
  /** Wall clock, ms since 1970. */
  at: z.number(),
  type: z.enum([
    'agentStarted',
    'agentStopping',
    'requestAccepted',
    'requestDone',
    'requestFailed',
    'requestCancelled',
    /** Its agent stopped. What has arrived is kept, and asked for again it goes on from there. */
    'requestInterrupted',
    'masterElected',
    'masterLost',
    'wanLease',
    'hubConnected',
    'hubStore',
    'hubLost',
    'fallback',
    'bypassed',
    'peerConnected',
    'peerLost',
    'peerRefused',
    'peerBanned',
    'peerDistrusted',
    'peerLeftOut',
    'contentCached',
    'contentEvicted',
    'contentRemoved',
    'contentRecalled',
    'contentQuarantined',
    'cacheCleared',
    'cacheMoved',
    'precacheDone',
    'diskFull',
    'diskRecovered',
    'originChanged',
    'integrationChanged',
    'settingsChanged',
    'settingsRefused',
    'transfersPaused',
    'transfersResumed',
    'weightChanged',
    'servingStopped',
    'servingResumed',
    'updateFound',
    'updateRefused',
    'updateInstalled',
    'updateRolledBack',
    'updateStuck',
    'warning'
  ]),
  /** One sentence for a person. */
  text: z.string().max(1000),
  requestId: RequestId.optional(),
  key: ContentKey.optional(),
  url: z.string().optional(),
  peer: PeerId.optional(),
  peerName: z.string().optional(),
  reason: ReasonCode.optional(),
  code: ErrorCode.optional(),
  epoch: z.number().int().optional(),
  bytes: z.number().optional(),
  ms: z.number().optional()
})
export type AgentEvent = z.infer<typeof AgentEvent>
export type AgentEventType = AgentEvent['type']

/** What an event means for the reader: a setback went wrong and Larder got along, a notice is worth knowing. */
export type EventWeight = 'error' | 'fallback' | 'setback' | 'notice' | 'normal'

export const eventWeights: Readonly<Record<AgentEventType, EventWeight>> = {
  agentStarted: 'normal',
  agentStopping: 'normal',
  requestAccepted: 'normal',
  requestDone: 'normal',
  requestFailed: 'error',
  requestCancelled: 'notice',
  requestInterrupted: 'notice',
  masterElected: 'normal',
  masterLost: 'setback',
  wanLease: 'normal',
  hubConnected: 'normal',
  hubStore: 'notice',
  hubLost: 'setback',
  fallback: 'fallback',
  bypassed: 'normal',
  peerConnected: 'normal',
  peerLost: 'notice',
  peerRefused: 'setback',
  peerBanned: 'error',
  peerDistrusted: 'error',
  peerLeftOut: 'setback',
  contentCached: 'normal',
  contentEvicted: 'normal',
  contentRemoved: 'normal',
  contentRecalled: 'error',
  contentQuarantined: 'error',
  cacheCleared: 'notice',
  cacheMoved: 'notice',
  precacheDone: 'normal',
  diskFull: 'error',
  diskRecovered: 'notice',
  originChanged: 'notice',
  integrationChanged: 'notice',
  settingsChanged: 'notice',
  settingsRefused: 'error',
  transfersPaused: 'notice',
  transfersResumed: 'notice',
  weightChanged: 'notice',
  servingStopped: 'notice',
  servingResumed: 'notice',
  updateFound: 'notice',
  updateRefused: 'error',
  updateInstalled: 'notice',
  updateRolledBack: 'error',
  updateStuck: 'error',
  warning: 'error'
}

/** Something went wrong, for good or not. */
export function isTrouble({ type, code }: Pick<AgentEvent, 'type' | 'code'>): boolean {
  return code !== undefined || ['error', 'fallback', 'setback'].includes(eventWeights[type])
}
