import { defaultDataDir, machineDataDir } from '../lib/data-paths.ts'

/** The data folder that a command line is about, before it is parsed; a guess, for what works with any. */
export function dataDirOf(argv: readonly string[]): string {
  const at = argv.indexOf('--data-dir')
  const named =
    at >= 0 ? argv[at + 1] : argv.find((word) => word.startsWith('--data-dir='))?.slice('--data-dir='.length)
  if (named) return named
  return argv[0] === 'agent' && argv.includes('--machine') ? machineDataDir() : defaultDataDir()
}
