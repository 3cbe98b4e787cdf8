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
    'Let the peer port (TCP 4726) pass between the subnets of the site; `larder peers` says who could not be reached.',
  'master-lost': 'See why the named PC went away; that the download went on is as it should be.',
  'origin-error': 'See the code of the error; the origin or the way to it had a problem.',
  'peer-corrupt': 'Check the disk of the named PC with `larder cache verify` there.',
  timeout: 'Give the request a longer timeout, or see why peers were slow with `larder peers`.',
  'no-first-byte': 'See `larder peers`: a peer that is connected and sends nothing has a problem of its own.',
  'no-progress': 'See `larder peers`, and the network between the PCs.',
  'mute-peer':
    'Run `larder doctor`: it names the PC. Let ICMP "fragmentation needed" and "packet too big" pass between the two, or set the MTU of both to what the way between them carries.',
  private:
    'Nothing to do where the content is personal; else have the origin allow sharing, and ask without credentials.',
  encoded: 'Have the origin send this file without Content-Encoding; Larder asks for `identity`.',
  'signed-url': 'Where all PCs of the site may have it, list its host in sharing.signedUrls.',
  'client-certificate': 'Where all PCs of the site may have it, list its host in sharing.clientCertificates.',
  'sets-cookie':
    'Have the origin send Cache-Control: public, or, where all PCs of the site may have it, list its host in sharing.cookies.',
  'not-shareable': 'Have the origin send a strong ETag, or Last-Modified with Content-Length.',
  'too-large': 'Raise cache.maxBytes, or unpin contents, where such files are worth keeping.',
  'not-verifiable':
    'Have the origin publish a digest (Repr-Digest), give one with the request, or set sharing.withoutDigest to check.',
  cached: 'Nothing to do: nothing had to be downloaded.',
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
