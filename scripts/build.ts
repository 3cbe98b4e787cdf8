// npm run build: bundles what is shipped.
import { build } from './bundles.ts'

process.exitCode = (await build('cli', { force: true })) && (await build('renderer', { force: true })) ? 0 : 1
