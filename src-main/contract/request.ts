import { z } from 'zod'
import { AskedBy } from './asked-by.ts'
import { ErrorView } from './errors.ts'
import { ContentKey, PeerId, RequestId, Sha256Hex } from './ids.ts'
import { VerifiedBy } from './provenance.ts'

/** `resource`: version-controlled, worth keeping (modules, installers). `script`: latest version at each use. */
export const ContentKind = z.enum(['resource', 'script'])
export type ContentKind = z.infer<typeof ContentKind>

export const Priority = z.enum(['foreground', 'background'])
export type Priority = z.infer<typeof Priority>

/** Issuer or subject of a certificate: `CN=Acme Issuing CA, O=Acme`, or a common name alone; upper and lower case alike. */
export const CertificateName = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\p{Cc}]*$/u)

/** What a program asks for. The only way a URL gets into an agent. */
export const RequestSpec = z.object({
  /** Absolute http(s) URL, or relative to `backgroundChannel.url`. */
  url: z.string().min(1).max(8192),
  /** `sha256-<base64>` (Subresource Integrity) or 64 hex digits. */
  integrity: z.string().max(200).optional(),
  /** Absolute path on this PC; the file appears there complete or not at all. Absent: into the cache only. */
  destination: z.string().min(1).max(4096).optional(),
  /** Replace an existing destination file. */
  overwrite: z.boolean().default(true),
  kind: ContentKind.default('resource'),
  priority: Priority.default('foreground'),
  /** Limit of the whole request, ms. */
  timeoutMs: z
    .number()
    .int()
    .min(100)
    .max(7 * 24 * 3600_000)
    .optional(),
  /** Accept the cached version when the origin cannot be reached; the result is marked stale. */
  allowStale: z.boolean().default(false),
  /** Header fields for the origin. Authorization or Cookie make the request private: never shared, never cached. */
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
      z
        .string()
        .max(8192)
        .regex(/^[\t\x20-\x7e\x80-\xff]*$/)
    )
    .refine((h) => Object.keys(h).length <= 32, 'at most 32 header fields')
    .optional(),
  /** The client certificate to show to the origin of `url`, by its issuer and subject; to no other origin. */
  certIssuer: CertificateName.optional(),
  certSubject: CertificateName.optional()
})
export type RequestSpec = z.infer<typeof RequestSpec>
export type RequestSpecInput = z.input<typeof RequestSpec>

/**
 * Why a download did not come from peers, or not only. Stable words; the sentences for people are in `reasonTexts`.
 */
export const ReasonCode = z.enum([
  'no-fleet',
  'no-peers',
  'busy',
  'elected',
  'elected-for-site',
  'hub-unreachable',
  'site-unreachable',
  'master-lost',
  'origin-error',
  'peer-corrupt',
  'timeout',
  'no-first-byte',
  'no-progress',
  'mute-peer',
  'private',
  'encoded',
  'signed-url',
  'client-certificate',
  'sets-cookie',
  'not-shareable',
  'version-changed',
  'too-large',
  'not-verifiable',
  'cached',
  'integration-off',
  'agent-absent',
  'agent-unsupported',
  'paused'
])
export type ReasonCode = z.infer<typeof ReasonCode>

/** One sentence a helpdesk person understands, per reason code. */
export const reasonTexts: Record<ReasonCode, string> = {
  'no-fleet': 'This PC belongs to no fleet (no site key is set), so it has no peers.',
  'no-peers': 'No other PC of the site was found or reachable.',
  busy: 'The PCs that have it were busy serving others.',
  elected:
    'No connected PC had it yet, and this one was elected master, so it downloaded from the origin for the others.',
  'elected-for-site':
    'No subnet of the site had it yet, and the hub let this PC download it from the origin for all of them.',
  'hub-unreachable': 'The hub of the site did not answer in time, so this subnet downloaded it by itself.',
  'site-unreachable':
    'Another subnet of the site had it or was downloading it, but its PCs could not be reached or sent nothing in time.',
  'master-lost': 'The master vanished and nobody took over in time.',
  'origin-error': 'The master got an error from the origin.',
  'peer-corrupt': 'A peer served damaged data and was banned for this content.',
  timeout: 'The request would not have finished in time.',
  'no-first-byte': 'No peer delivered a first byte in time.',
  'no-progress': 'The download from peers stopped making progress.',
  'mute-peer':
    'A PC that has it answers small messages, but nothing larger arrives from it. Full-size packets get lost between the two, so that PC was left out.',
  private:
    'The request carries credentials, the origin forbids sharing, or the file lies on this PC itself, so it is never shared.',
  encoded: 'The origin sends it compressed on the way (Content-Encoding), so its bytes cannot be matched between PCs.',
  'signed-url': 'The URL carries a signature or token, so the content is not shared with anyone who lacks the URL.',
  'client-certificate': 'The content required a client certificate, so it is used for this request only.',
  'sets-cookie':
    'The origin sets a cookie with the content and does not mark it public, so it is used for this request only.',
  'not-shareable':
    'The origin names no version (no strong ETag, no Last-Modified with length), so the bytes cannot be matched between PCs.',
  'version-changed':
    'The origin delivered another version than it had named a moment before. A file that it names differently with every answer cannot be matched between PCs.',
  'too-large': 'The file is larger than this PC’s cache limit, so it is neither kept nor shared.',
  'not-verifiable':
    'Nobody publishes a digest of it, and sharing.withoutDigest does not let this PC take it from peers unchecked.',
  cached: 'It was already in this PC’s cache.',
  'integration-off': 'The integration is turned off on this PC.',
  'agent-absent': 'No agent was running on this PC.',
  'agent-unsupported': 'The running agent has a version this client does not support.',
  paused: 'Transfers are paused on this PC.'
}

/** Where the bytes of a transfer came from; unique verified content bytes, so the sum never exceeds the length. */
export const SourceSplit = z.object({
  originBytes: z.number().int().nonnegative(),
  peerBytes: z.number().int().nonnegative(),
  cacheBytes: z.number().int().nonnegative()
})
export type SourceSplit = z.infer<typeof SourceSplit>

/**
 *     checking ──► waiting ──► active ──► delivering ──► done
 *        │            │          │            │
 *        └────────────┴──────────┴────────────┴──► failed | cancelled
 *     paused: somebody paused it in any of these states but delivering; resumed, it is where it was, or waits.
 */
export const RequestState = z.enum([
  'checking',
  'waiting',
  'active',
  'paused',
  'delivering',
  'done',
  'failed',
  'cancelled'
])
export type RequestState = z.infer<typeof RequestState>

export const finalRequestStates: readonly RequestState[] = ['done', 'failed', 'cancelled']

/**
 * What a request waits for now.
 *
 *     version    the origin's word on which version is the latest
 *     election   who is to download it
 *     slot       its turn among the downloads from origins; `ahead` are to have theirs before
 *     pieces     the first bytes, from peers or the origin
 *     resume     somebody to resume it
 */
export const WaitingFor = z.object({
  what: z.enum(['version', 'election', 'slot', 'pieces', 'resume']),
  ahead: z.number().int().nonnegative().nullable()
})
export type WaitingFor = z.infer<typeof WaitingFor>

export const RequestView = z.object({
  id: RequestId,
  url: z.string(),
  kind: ContentKind,
  priority: Priority,
  destination: z.string().nullable(),
  /** Null: an agent that did not note it has written the history. */
  askedBy: AskedBy.nullable().default(null),
  state: RequestState,
  /** Null when bytes move, and when it has ended. */
  waitingFor: WaitingFor.nullable(),
  key: ContentKey.nullable(),
  sha256: Sha256Hex.nullable(),
  lengthBytes: z.number().int().nonnegative().nullable(),
  /** Verified. */
  haveBytes: z.number().int().nonnegative(),
  /** Received beyond that, of pieces that are not verified yet. */
  arrivingBytes: z.number().int().nonnegative(),
  split: SourceSplit,
  /** Bytes received per second, verified or not, over the last seconds. */
  rateBytesPerSecond: z.number().nonnegative(),
  role: z.enum(['none', 'master', 'follower', 'direct']),
  master: PeerId.nullable(),
  masterName: z.string().nullable(),
  /** Delivered from the cache without the origin's word that it is the latest version. */
  stale: z.boolean(),
  /** By what its bytes were verified; null: they are not complete. */
  verifiedBy: VerifiedBy.nullable(),
  /** Why it did not come from peers, newest last; at most 8. */
  reasons: z.array(z.object({ code: ReasonCode, text: z.string(), at: z.number() })),
  error: ErrorView.nullable(),
  /** Wall clock, ms since 1970. */
  createdAt: z.number(),
  finishedAt: z.number().nullable(),
  firstByteMs: z.number().nullable(),
  elapsedMs: z.number()
})
export type RequestView = z.infer<typeof RequestView>
