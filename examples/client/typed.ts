// npx tsc -p .
import {
  connect,
  detectAgent,
  download,
  type Detection,
  type DownloadProgress,
  type DownloadResult,
  type ReasonCode
} from 'larder/client'

export async function fetchModule(url: string, say: (text: string) => void): Promise<Buffer> {
  const found: Detection = await detectAgent()
  say(found.why)
  const result: DownloadResult = await download(
    { url, kind: 'resource', headers: { accept: '*/*' } },
    { onProgress: (progress: DownloadProgress) => say(progress.phase) }
  )
  const reason: ReasonCode | null = result.reason
  if (reason) say(reason)
  if (!result.data) throw new Error('without a destination the bytes are in `data`')
  return result.data
}

/** SHA-256 and length of what the agent keeps. */
export async function kept(): Promise<[string, number][]> {
  const agent = await connect()
  const { entries } = await agent.call('cache.list', { query: {} })
  return entries.map((entry) => [entry.sha256, entry.lengthBytes])
}

// @ts-expect-error: a URL is needed
void download({})
