import type { DevToolsSession, Reply } from './devtools.ts'
import { fromPageUrl, protocol } from './schemes.ts'

/** Answers a request of the page by the handler of its scheme; one without a handler goes on to the network. */
export async function fulfil(page: DevToolsSession, { requestId, request }: Reply): Promise<void> {
  const url = fromPageUrl(request.url)
  const handler = protocol.handlerFor_(url)
  if (!handler) return page.send('Fetch.continueRequest', { requestId })
  try {
    const body = request.postDataEntries?.length
      ? Buffer.concat(
          request.postDataEntries.map(({ bytes }: { bytes?: string }) => Buffer.from(bytes ?? '', 'base64'))
        )
      : undefined
    const response = await handler(new Request(url, { method: request.method, headers: request.headers, body }))
    await page.send('Fetch.fulfillRequest', {
      requestId,
      responseCode: response.status,
      responseHeaders: [...response.headers].map(([name, value]) => ({ name, value })),
      body: Buffer.from(await response.arrayBuffer()).toString('base64')
    })
  } catch (error) {
    console.error(error)
    await page.send('Fetch.failRequest', { requestId, errorReason: 'Failed' })
  }
}
