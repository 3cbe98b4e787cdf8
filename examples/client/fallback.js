// node fallback.js https://example.com/setup.msi ./
import { download, reasonTexts } from 'larder/client'

const [url, destination] = process.argv.slice(2)
const { source, reason, request } = await download(
  { url, destination },
  {
    // When nothing moves for 20 seconds, go to the web server directly.
    fallbackMs: 20_000,
    onProgress(progress) {
      if (progress.phase === 'fallback') console.warn(`Going on without Larder: ${progress.why}`)
    }
  }
)
console.log(`Delivered by ${source === 'agent' ? 'the agent' : 'a direct download'}.`)
if (reason) console.log(`${reason}: ${reasonTexts[reason]}`)
// For the helpdesk: `larder why <id>` tells the whole story.
if (request) console.log(`Request ${request.id}`)
