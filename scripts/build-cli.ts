import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root, runNode } from './steps.ts'

export const cliFile = path.join(root, 'out', 'cli', 'larder.js')

/** Bundles the command line into out/cli when a source is newer than the bundle. @returns false when the build failed; it has said why */
export async function buildCli(options: { force?: boolean } = {}): Promise<boolean> {
  const builtAt = existsSync(cliFile) ? statSync(cliFile).mtimeMs : 0
  if (!options.force && newestSourceMs() < builtAt) return true
  const code = await runNode(
    [
      path.join('node_modules', 'vite', 'bin', 'vite.js'),
      'build',
      '--config',
      'vite.cli.config.ts',
      '--logLevel',
      'warn'
    ],
    { aside: true }
  )
  if (code !== 0) process.stderr.write(`The command line could not be built (exit code ${code}).\n`)
  return code === 0 && existsSync(cliFile)
}

function newestSourceMs(): number {
  const sources = readdirSync(path.join(root, 'src-main'), { recursive: true }).map((name) =>
    path.join('src-main', String(name))
  )
  const relevant = sources.filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes(`${path.sep}testing${path.sep}`)
  )
  return [...relevant, 'package.json', 'package-lock.json', 'vite.cli.config.ts']
    .map((name) => path.join(root, name))
    .reduce((newest, file) => Math.max(newest, existsSync(file) ? statSync(file).mtimeMs : 0), 0)
}
