import type { ErrorCode } from '../contract/errors.ts'
import type { ReasonCode } from '../contract/request.ts'

/**
 * What to do when the agent could not deliver: download directly for this reason, or give the agent's error to the caller
 * because a direct download would end the same way.
 */
export type AfterAgentFailure = { readonly next: 'direct'; readonly reason: ReasonCode } | { readonly next: 'throw' }

/** The origin has spoken, or the caller's own words were wrong. */
const final: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_REQUEST',
  'URL_INVALID',
  'URL_SCHEME_UNSUPPORTED',
  'BACKGROUND_CHANNEL_UNSET',
  'DIGEST_INVALID',
  'DIGEST_MISMATCH',
  'DESTINATION_INVALID',
  'DESTINATION_UNWRITABLE',
  'DESTINATION_EXISTS',
  'DESTINATION_BUSY',
  'ORIGIN_NOT_FOUND',
  'ORIGIN_FORBIDDEN',
  'ORIGIN_REDIRECTS',
  'ORIGIN_DOWNGRADE',
  'ADDRESS_REFUSED',
  'CANCELLED'
])

const reasons: Partial<Record<ErrorCode, ReasonCode>> = {
  INTEGRATION_OFF: 'integration-off',
  AGENT_NOT_RUNNING: 'agent-absent',
  SHUTTING_DOWN: 'agent-absent',
  TOKEN_INVALID: 'agent-absent',
  AGENT_UNSUPPORTED: 'agent-unsupported',
  NOT_FOUND: 'agent-absent',
  BUSY: 'busy',
  PEER_BUSY: 'busy',
  PEER_LOST: 'master-lost',
  PIECE_DIGEST_MISMATCH: 'peer-corrupt',
  RECORD_INVALID: 'peer-corrupt',
  TIMEOUT: 'timeout',
  ORIGIN_UNREACHABLE: 'origin-error',
  ORIGIN_TLS: 'origin-error',
  ORIGIN_STALLED: 'origin-error',
  ORIGIN_CLIENT_CERTIFICATE: 'origin-error',
  PROXY_CREDENTIALS: 'origin-error',
  CACHE_TOO_SMALL: 'too-large'
}

/** The origin answered, and what it answered is of no use to anybody: it says the same to the next who asks. */
const spoken: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ORIGIN_STATUS',
  'ORIGIN_PROTOCOL',
  'ORIGIN_CHANGED',
  'ORIGIN_BREAKS_OFF'
])

/** The way to the origin, or the origin, gave out. This program may have another way, as long as nothing came by the agent's. */
const wayOut: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ORIGIN_UNREACHABLE', 'ORIGIN_STALLED', 'ORIGIN_TLS'])

/**
 * @param cameBytes some of the content has come to this PC: the way to the origin is there, the agents of the site have tried it as often as is
 * of use, and every program that starts over alone costs the whole content again
 */
export function afterAgentFailure(code: ErrorCode, cameBytes = false): AfterAgentFailure {
  if (final.has(code) || spoken.has(code) || (cameBytes && wayOut.has(code))) return { next: 'throw' }
  return { next: 'direct', reason: reasons[code] ?? 'no-progress' }
}
