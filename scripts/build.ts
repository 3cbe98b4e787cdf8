// npm run build: bundles what is shipped.
import { buildCli } from './build-cli.ts'
import { buildRenderer } from './build-renderer.ts'

process.exitCode = (await buildCli({ force: true })) && (await buildRenderer({ force: true })) ? 0 : 1
