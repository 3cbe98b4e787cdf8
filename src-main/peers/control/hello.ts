import { z } from 'zod'

/** Header fields of the upgrade that opens a control connection, and of its answer. */
export const PROOF_HEADER = 'larder-proof'
export const PROTOCOL_HEADER = 'larder-protocol'
export const BOOT_HEADER = 'larder-boot'

/** `far`: the dialler was told of the other by a hub. Absent: by a beacon or a seed. */
export const SCOPE_HEADER = 'larder-scope'

export const CONTROL_PATH = '/v1/control'
/** Where a hub takes its agents. */
export const HUB_PATH = '/v1/hub'

/** Status with which an acceptor refuses a member whose proof held. Others get no answer at all. */
export const STATUS = { denied: 403, duplicate: 409, twin: 421, otherProtocol: 426, later: 503 } as const

/** WebSocket close codes (4000–4999 are private, RFC 6455, 7.4.2) and what they mean to the one who is left. */
export const CLOSE = {
  goodbye: 4000,
  garbage: 4001,
  replaced: 4003,
  expelled: 4004,
  full: 4005,
  unused: 4006
} as const

/** Most characters of a peer's name. */
export const MAX_NAME = 64

/** Names are shown to people and written to logs: nothing but printable characters. */
const printable = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u

/** First frame each side sends on a proven control connection: the acceptor first, then the dialer. */
export const Hello = z.object({
  t: z.literal('hello'),
  name: z.string().max(MAX_NAME).regex(printable),
  version: z.string().max(32).regex(printable),
  /** TCP port for peers. */
  port: z.number().int().min(1).max(65535),
  weight: z.number().int().min(0).max(99),
  /** On a connection that began far: whether its sender still takes the other for somebody of another subnet. */
  far: z.boolean().optional(),
  /** It answers `kept.ask`, which agents before it take for an offence. */
  answersKept: z.boolean().optional(),
  /** It listens to `check`; the same holds of it. */
  hearsChecks: z.boolean().optional()
})
export type Hello = z.infer<typeof Hello>

/** Bytes a hello may have. */
export const MAX_HELLO_BYTES = 1024

/** A name as it may travel: unprintable characters and the overlong end cut off. */
export function presentableName(name: string): string {
  const clean = [...name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')]
  let kept = ''
  for (const character of clean) if (kept.length + character.length <= MAX_NAME) kept += character
  return kept
}
