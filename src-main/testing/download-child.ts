import { download } from '../client/download.ts'

/** Downloads directly, until it is done or killed. Never shipped. */
const [url, destination] = process.argv.slice(2)
await download({ url: url!, destination: destination! }, { agent: false })
