// npm run build: bundles what is shipped.
import { buildCli } from './build-cli.ts'

process.exitCode = (await buildCli({ force: true })) ? 0 : 1
