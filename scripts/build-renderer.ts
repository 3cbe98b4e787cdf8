import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root, runNode } from './steps.ts'

const page = path.join(root, 'out', 'renderer', 'index.html')

/** Bundles the page of the window into out/renderer when a source is newer than the bundle. @returns false when the build failed; it has said why */
export async function buildRenderer(options: { force?: boolean } = {}): Promise<boolean> {
  const builtAt = existsSync(page) ? statSync(page).mtimeMs : 0
  if (!options.force && newestSourceMs() < builtAt) return true
  const code = await runNode(
    [
      path.join('node_modules', 'vite', 'bin', 'vite.js'),
      'build',
      '--config',
      'vite.renderer.config.ts',
      '--logLevel',
      'warn'
    ],
    { aside: true }
  )
  if (code !== 0) process.stderr.write(`The window could not be built (exit code ${code}).\n`)
  return code === 0 && existsSync(page)
}

function newestSourceMs(): number {
  const sources = ['src-renderer', 'src-main/contract'].flatMap((dir) =>
    readdirSync(path.join(root, dir), { recursive: true }).map((name) => path.join(dir, String(name)))
  )
  const relevant = sources.filter(
    (name) => /\.(ts|tsx|css|html|svg|png)$/.test(name) && !/\.test\.tsx?$|[\\/](testing|node_modules)[\\/]/.test(name)
  )
  return [...relevant, 'package.json', 'package-lock.json', 'vite.renderer.config.ts']
    .map((name) => path.join(root, name))
    .reduce((newest, file) => Math.max(newest, existsSync(file) ? statSync(file).mtimeMs : 0), 0)
}
