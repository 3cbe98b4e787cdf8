// node detect.js
import { detectAgent } from 'larder/client'

const { state, version, why } = await detectAgent()
console.log(`${state}: ${why}`)
// supported: download() will ask the agent. Anything else: download() gets the file by itself.
if (state === 'supported') console.log(`Larder ${version} will be asked.`)
