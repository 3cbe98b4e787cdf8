import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { publishBuild } from './publish-build.ts'
import { root, runNode } from './steps.ts'

interface Bundle {
  /** For people: "… could not be built". */
  readonly title: string
  /** The bundler with its configuration, from the root. */
  readonly command: readonly string[]
  /** That configuration, and what it is made with: read besides the sources. */
  readonly configs: readonly string[]
  /** Folders whose files go into it, tests left out. */
  readonly sources: readonly string[]
  /** All of them exist once it is built; the oldest tells when that was. */
  readonly results: readonly string[]
}

const vite = ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn', '--config']

const bundles = {
  cli: {
    title: 'The command line',
    command: [...vite, 'vite.cli.config.ts'],
    configs: [
      'vite.cli.config.ts',
      'scripts/ascii-only.ts',
      'scripts/builtins-by-need.ts',
      'scripts/release/release-keys.ts',
      'packaging/release-keys.txt'
    ],
    sources: ['src-main'],
    results: ['out/cli/larder.js']
  },
  client: {
    title: 'The client library',
    command: [...vite, 'vite.client.config.ts'],
    configs: ['vite.client.config.ts', 'tsconfig.client.json'],
    sources: ['src-main'],
    results: ['out/client/esm/client.js', 'out/client/cjs/client.js']
  },
  renderer: {
    title: 'The window',
    command: [...vite, 'vite.renderer.config.ts'],
    configs: ['vite.renderer.config.ts'],
    sources: ['src-renderer', 'src-main/contract'],
    results: ['out/renderer/index.html']
  },
  app: {
    title: 'The tray application',
    command: ['node_modules/electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn'],
    configs: ['electron.vite.config.ts', 'vite.renderer.config.ts'],
    sources: ['src-main', 'src-renderer'],
    results: ['out/main/main.js', 'out/preload/preload.cjs', 'out/renderer/index.html']
  }
} as const satisfies Record<string, Bundle>

/** What is shipped: `cli` the command, `client` the library for programs, `renderer` the page of the window, `app` the tray application. */
export type BundleName = keyof typeof bundles

export const cliFile = path.join(root, 'out', 'cli', 'larder.js')

/**
 * Makes a bundle in out/ when a source is newer than it, or always with `force`. What is there stays whole meanwhile, so that others may build
 * and start it at the same time.
 * @returns false when that failed; standard error has said why
 */
export async function build(name: BundleName, options: { force?: boolean } = {}): Promise<boolean> {
  const bundle: Bundle = bundles[name]
  const results = bundle.results.map((file) => path.join(root, file))
  const builtAtMs = Math.min(...results.map(changedAtMs))
  if (!options.force && inputsOf(name).every((file) => changedAtMs(path.join(root, file)) < builtAtMs)) return true
  const out = path.join(root, 'out')
  mkdirSync(out, { recursive: true })
  const staging = mkdtempSync(path.join(out, '.build-'))
  try {
    const begunMs = Date.now()
    const code = await runNode(bundle.command, { aside: true, env: { LARDER_OUT: staging } })
    if (code !== 0) process.stderr.write(`${bundle.title} could not be built (exit code ${code}).\n`)
    const entries = bundle.results.map((file) => path.relative('out', file))
    if (code !== 0 || !entries.every((file) => existsSync(path.join(staging, file)))) return false
    publishBuild(staging, out, { entries, begunMs, clean: options.force === true })
    return true
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/** Files that a bundle is made of, from the root: when one is newer, it is made again. */
export function inputsOf(name: BundleName): string[] {
  const { sources, configs }: Bundle = bundles[name]
  const files = sources.flatMap((dir) =>
    readdirSync(path.join(root, dir), { recursive: true })
      .map((file) => path.join(dir, String(file)))
      .filter((file) => /\.(ts|tsx|css|html|svg|png)$/.test(file))
      .filter((file) => !/\.test\.tsx?$|[\\/](testing|node_modules)[\\/]/.test(file))
  )
  return [...files, 'package.json', 'package-lock.json', ...configs]
}

/** 0 for what does not exist. */
function changedAtMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
