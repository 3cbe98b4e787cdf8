/**
 * `larder/client`: what other programs import. Needs no agent: {@link download} uses the one of this PC when there is one,
 * and the origin otherwise.
 *
 * ```js
 * import { download } from 'larder/client'
 * const { path, source } = await download({ url: 'https://example.com/setup.msi', destination: './' })
 * ```
 */
export { download } from './download.ts'
export { createDownloader, type Downloader } from './downloader.ts'
export type {
  DownloadOptions,
  DownloadProgress,
  DownloadResult,
  DownloadSource,
  DownloadSpec
} from './download-types.ts'
export { detectAgent } from './detect.ts'
export type { DetectOptions, Detection } from './detect.ts'
export { connect, AgentConnection } from './connection.ts'
export type { AgentChange } from './connection.ts'
export { LarderError, hasCode } from '../lib/errors.ts'
export { API_VERSION, LARDER_VERSION, SUPPORTED_API } from '../contract/version.ts'
export { reasonTexts } from '../contract/request.ts'
export type { ErrorCode, ErrorView } from '../contract/errors.ts'
export type { AgentEvent } from '../contract/events.ts'
export type { ContentKey, PeerId, RequestId, Sha256Hex } from '../contract/ids.ts'
export type { ContentKind, Priority, ReasonCode, RequestState, RequestView, SourceSplit } from '../contract/request.ts'
export type {
  AgentSnapshot,
  CacheEntryView,
  CacheStats,
  MasterView,
  PeerView,
  TransferView,
  UploadView
} from '../contract/snapshot.ts'
export type { CacheListing, ClearView, StatusView, VerifyView } from '../contract/api.ts'
