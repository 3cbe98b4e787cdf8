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
  ORIGIN_STATUS: 'origin-error',
  ORIGIN_PROTOCOL: 'origin-error',
  ORIGIN_CHANGED: 'origin-error',
  ORIGIN_STALLED: 'origin-error',
  ORIGIN_CLIENT_CERTIFICATE: 'origin-error',
  PROXY_CREDENTIALS: 'origin-error',
  CACHE_TOO_SMALL: 'too-large'
}

export function afterAgentFailure(code: ErrorCode): AfterAgentFailure {
  if (final.has(code)) return { next: 'throw' }
  return { next: 'direct', reason: reasons[code] ?? 'no-progress' }
}
