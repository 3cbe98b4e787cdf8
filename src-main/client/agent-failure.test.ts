import { expect, test } from 'vitest'
import { afterAgentFailure } from './agent-failure.ts'

test('what the origin has said is final; a way that never carried a byte is tried by the program itself', () => {
  for (const code of [
    'ORIGIN_NOT_FOUND',
    'ORIGIN_STATUS',
    'ORIGIN_PROTOCOL',
    'ORIGIN_CHANGED',
    'ORIGIN_DOWNGRADE'
  ] as const)
    expect(afterAgentFailure(code), code).toEqual({ next: 'throw' })
  for (const code of ['ORIGIN_UNREACHABLE', 'ORIGIN_STALLED', 'ORIGIN_TLS'] as const) {
    expect(afterAgentFailure(code), code).toEqual({ next: 'direct', reason: 'origin-error' })
    expect(afterAgentFailure(code, true), code).toEqual({ next: 'throw' })
  }
  // Another one's proxy or certificate may do.
  for (const code of ['PROXY_CREDENTIALS', 'ORIGIN_CLIENT_CERTIFICATE'] as const)
    expect(afterAgentFailure(code, true), code).toEqual({ next: 'direct', reason: 'origin-error' })
  expect(afterAgentFailure('AGENT_NOT_RUNNING', true)).toEqual({ next: 'direct', reason: 'agent-absent' })
})
