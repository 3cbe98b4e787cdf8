// node no-agent.js https://example.com/module.zip ./ 300
import { createDownloader } from 'larder/client'

const [url, destination, waitSeconds = '300'] = process.argv.slice(2)
// PCs without an agent that start together would all reach the web server at once, so each waits for a random time first.
const download = createDownloader({ staggerRangeSeconds: Number(waitSeconds) })

const first = await download({ url, destination, kind: 'resource' })
console.log(`first: ${first.source}, waited ${first.waitedMs} ms`)
// The web server is asked whether the file has changed; if not, the copy of the first time is used.
const again = await download({ url, destination, kind: 'resource' })
console.log(`again: ${again.source}`)
// At once, without looking for an agent and keeping nothing: for a build server, say.
const alone = await download({ url }, { agent: false, stagger: false })
console.log(`alone: ${alone.source}, ${alone.data?.length} bytes in memory`)
