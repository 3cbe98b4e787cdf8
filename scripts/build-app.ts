import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root, runNode } from './steps.ts'

const results = ['out/main/main.js', 'out/preload/preload.cjs', 'out/renderer/index.html'].map((file) =>
  path.join(root, file)
)

/** Bundles the tray application into out/ when a source is newer than the bundle. @returns false when the build failed; it has said why */
export async function buildApp(options: { force?: boolean } = {}): Promise<boolean> {
  const builtAt = Math.min(...results.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)))
  if (!options.force && newestSourceMs() < builtAt) return true
  const code = await runNode([
    path.join('node_modules', 'electron-vite', 'bin', 'electron-vite.js'),
    'build',
    '--logLevel',
    'warn'
  ])
  if (code !== 0) process.stderr.write(`The tray application could not be built (exit code ${code}).\n`)
  return code === 0 && results.every((file) => existsSync(file))
}

function newestSourceMs(): number {
  const sources = ['src-main', 'src-renderer'].flatMap((dir) =>
    readdirSync(path.join(root, dir), { recursive: true }).map((name) => path.join(dir, String(name)))
  )
  const relevant = sources.filter(
    (name) => /\.(ts|tsx|css|html|svg|png)$/.test(name) && !/\.test\.tsx?$|[\\/](testing|node_modules)[\\/]/.test(name)
  )
  return [...relevant, 'package.json', 'package-lock.json', 'electron.vite.config.ts']
    .map((name) => path.join(root, name))
    .reduce((newest, file) => Math.max(newest, existsSync(file) ? statSync(file).mtimeMs : 0), 0)
}
