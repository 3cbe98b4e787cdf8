import { z } from 'zod'
import { AskedBy } from './asked-by.ts'
import { ErrorView } from './errors.ts'
import { AgentEvent } from './events.ts'
import { ContentKey, RequestId, Sha256Hex } from './ids.ts'
import { VerifiedBy } from './provenance.ts'
import { ReasonCode, RequestState, SourceSplit } from './request.ts'

/** What a helpdesk person can do about each reason; one sentence. */
export const reasonAdvice: Record<ReasonCode, string> = {
  'no-fleet': 'Give this PC the site key of the fleet (`--fleet-key-file`, or fleet.siteKey in the settings).',
  'no-peers':
    'Run `larder doctor`: it tests ports, firewall and multicast; `larder peers` lists the PCs that were seen.',
  busy: 'Raise transfers.uploadSlots on PCs with a good connection, or let more PCs keep the content.',
  elected: 'Nothing to do: one PC of the site has to download it first.',
  'elected-for-site': 'Nothing to do: one PC of the site has to download it first.',
  'hub-unreachable': 'Run `larder doctor`, and `larder hub status`: it says why the hub is not connected.',
  'site-unreachable':
    'Open the peer port (TCP 4726) between the subnets of the site; `larder peers` shows which PCs could not be reached.',
  'master-lost': 'Find out why the named PC went away. The download itself continued as it should.',
  'origin-error': 'Look at the error code; the origin, or the connection to it, had a problem.',
  'peer-corrupt': 'Check the disk of the named PC with `larder cache verify` there.',
  timeout: 'Give the request a longer timeout, or check with `larder peers` why peers were slow.',
  'no-first-byte': 'Run `larder peers`: a peer that is connected but sends nothing has a problem.',
  'no-progress': 'Run `larder peers`, and check the network between the PCs.',
  'mute-peer':
    'Run `larder doctor`: it names the PC. Let ICMP "fragmentation needed" and "packet too big" through between the two PCs, or lower the MTU of both to what the path between them can carry.',
  private:
    'Nothing to do if the content is personal. Otherwise have the origin allow sharing, and ask without credentials.',
  encoded: 'Have the origin send this file without Content-Encoding; Larder asks for `identity`.',
  'signed-url': 'If all PCs of the site may have it, list its host in sharing.signedUrls.',
  'client-certificate': 'If all PCs of the site may have it, list its host in sharing.clientCertificates.',
  'sets-cookie':
    'Have the origin send Cache-Control: public, or, if all PCs of the site may have it, list its host in sharing.cookies.',
  'not-shareable': 'Have the origin send a strong ETag, or Last-Modified with Content-Length.',
  'version-changed':
    'Nothing to do if the file was being replaced. Otherwise have the origin keep its ETag and Last-Modified until the file changes.',
  'too-large': 'If such files are worth keeping, raise cache.maxBytes or unpin contents.',
  'not-verifiable':
    'Have the origin publish a digest (Repr-Digest), give one with the request, or set sharing.withoutDigest to check.',
  cached: 'Nothing to do: no download was needed.',
  'integration-off': '`larder integration status` says who turned it off; `larder integration on` turns it on.',
  'agent-absent': 'Start the agent (`larder agent`, or the Larder application).',
  'agent-unsupported': 'Update the older of agent and client.',
  paused: '`larder resume` lets transfers go on.'
}

/** One download and why it came from where it did. */
export const WhyDownload = z.object({
  requestId: RequestId,
  url: z.string(),
  askedBy: AskedBy.nullable().default(null),
  state: RequestState,
  key: ContentKey.nullable(),
  sha256: Sha256Hex.nullable(),
  /** By what its bytes were verified; null: they are not complete. */
  verifiedBy: VerifiedBy.nullable(),
  lengthBytes: z.number().int().nonnegative().nullable(),
  /** Wall clock, ms since 1970. */
  createdAt: z.number(),
  finishedAt: z.number().nullable(),
  split: SourceSplit,
  /** Peers that gave bytes, as far as the agent still knows. */
  peers: z.array(z.object({ name: z.string(), bytes: z.number() })),
  masterName: z.string().nullable(),
  error: ErrorView.nullable(),
  /** The answer in a sentence or two. */
  verdict: z.string(),
  /** What to do about it now; null: nothing. */
  next: z.string().nullable(),
  /** What its server was found to do otherwise than HTTP has it; a sentence each. */
  originQuirks: z.array(z.string()),
  /** What led to it, oldest first, and what can be done about each. */
  causes: z.array(z.object({ code: ReasonCode, at: z.number(), text: z.string(), next: z.string() })),
  /** What happened meanwhile, oldest first. */
  history: z.array(AgentEvent)
})
export type WhyDownload = z.infer<typeof WhyDownload>

/** Newest first. */
export const WhyView = z.object({ about: z.string(), downloads: z.array(WhyDownload) })
export type WhyView = z.infer<typeof WhyView>
