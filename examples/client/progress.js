// node progress.js https://example.com/setup.msi ./
import { download } from 'larder/client'

const [url, destination] = process.argv.slice(2)
const timeout = AbortSignal.timeout(30 * 60_000)
const { split } = await download(
  { url, destination, priority: 'background' },
  {
    signal: timeout,
    onProgress(progress) {
      if (progress.phase === 'agent') {
        const { state, split, lengthBytes } = progress.request
        const received = split.originBytes + split.peerBytes + split.cacheBytes
        console.log(`${state}: ${received} of ${lengthBytes ?? '?'} bytes`)
      } else if (progress.phase === 'direct') {
        console.log(`direct: ${progress.receivedBytes} of ${progress.lengthBytes ?? '?'} bytes`)
      } else if (progress.phase === 'stagger') {
        console.log(`starts in ${Math.ceil(progress.leftMs / 1000)} s`)
      }
    }
  }
)
console.log(
  `${split.peerBytes} bytes from peers, ${split.cacheBytes} from the cache, ${split.originBytes} from the web server`
)
