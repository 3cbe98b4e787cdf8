// Downloads one URL on a PC of the lab: `node download-main.ts URL ADDRESS…`, the addresses of its name. Prints how many bytes came.
import { isIP } from 'node:net'
import { Settings } from '../../contract/settings.ts'
import { systemClock } from '../../lib/clock.ts'
import { createOriginClient } from '../../origin/origin-client.ts'

const [url, ...addresses] = process.argv.slice(2)
const client = createOriginClient({
  clock: systemClock,
  settings: Settings.parse({}).origin,
  env: {},
  userAgent: 'larder/test',
  resolve: async () => addresses.map((address) => ({ address, family: isIP(address) }))
})
const answer = await client.probe(url!, {})
if (answer.status !== 'version') throw new Error(answer.status)
let bytes = 0
for await (const chunk of await client.open(answer.version, { start: 0, end: null }, {})) bytes += chunk.length
console.log(bytes)
await client.close()
