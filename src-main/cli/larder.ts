import { main } from './main.ts'
import { toleratePipeEnd } from './output.ts'

const argv = process.argv.slice(2)
toleratePipeEnd(() => argv[0] === 'agent')
process.exitCode = await main(argv)
