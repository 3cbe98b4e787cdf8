// npm run release -- key | sign | sums: keys of releases, the manifest that agents update themselves by, and checksums.
import { releaseCommand } from './release-command.ts'

process.exitCode = releaseCommand(process.argv.slice(2), process.env, (text) => process.stdout.write(text))
