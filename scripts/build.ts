// npm run build: bundles what is shipped.
import { build } from './bundles.ts'

for (const name of ['cli', 'client', 'renderer'] as const)
  if (!(await build(name, { force: true }))) process.exitCode = 1
