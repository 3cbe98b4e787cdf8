import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, test } from 'vitest'
import { LARDER_VERSION } from './contract/version.ts'
import { rendererPackages } from '../scripts/package/shipped-packages.ts'

const root = path.dirname(import.meta.dirname)

const base = ['contract', 'lib']
const engine = [
  ...base,
  'placing',
  'settings',
  'rates',
  'pieces',
  'cache',
  'origin',
  'machine',
  'peers',
  'claims',
  'transfers',
  'requests',
  'precache',
  'updates',
  'hub'
]
/**
 * Each folder may import from itself and from those named here; a name covers what is below it, unless that has its own line.
 * `peers/network` is one file: what the other folders know of peers.
 */
const layers: Record<string, readonly string[]> = {
  contract: [],
  lib: ['contract'],
  placing: base,
  settings: base,
  rates: base,
  pieces: base,
  machine: base,
  cache: [...base, 'placing', 'pieces'],
  origin: [...base, 'rates', 'pieces'],
  'peers/network': [...base, 'pieces'],
  'peers/fleet': [...base, 'peers/network'],
  'peers/discovery': [...base, 'machine', 'peers/network', 'peers/fleet'],
  'peers/control': [...base, 'peers/network', 'peers/fleet', 'peers/discovery'],
  'peers/far': [...base, 'peers/network', 'peers/fleet', 'peers/discovery', 'peers/control'],
  'peers/hub': [...base, 'peers/network', 'peers/fleet', 'peers/discovery', 'peers/control'],
  'peers/exchange': [...base, 'pieces', 'rates', 'peers/network', 'peers/fleet'],
  peers: [
    ...base,
    'rates',
    'pieces',
    'machine',
    'peers/network',
    'peers/fleet',
    'peers/discovery',
    'peers/control',
    'peers/far',
    'peers/hub',
    'peers/exchange'
  ],
  claims: base,
  transfers: [...base, 'placing', 'pieces', 'cache', 'origin', 'peers/network', 'claims'],
  requests: [...base, 'placing', 'pieces', 'cache', 'origin', 'peers/network', 'claims', 'transfers'],
  precache: base,
  updates: base,
  hub: [...base, 'pieces', 'peers/network', 'peers/far', 'claims'],
  integrate: base,
  agent: engine,
  operations: [...engine, 'agent'],
  window: [...engine, 'agent', 'operations'],
  api: [...engine, 'agent', 'operations', 'window'],
  client: [...base, 'placing', 'settings', 'rates', 'origin'],
  cli: [...engine, 'integrate', 'agent', 'operations', 'window', 'api', 'client']
}
/** Electron's side: may import every layer, and electron. */
const electronFolders = ['shell', 'preload']
interface Module {
  /** Relative to the root, with slashes: `src-main/lib/clock.ts` */
  readonly file: string
  readonly imports: readonly string[]
}

describe('the layers', () => {
  const shipped = modulesOf('src-main').filter(({ file }) => isShipped(file))
  const everything = [...modulesOf('src-main'), ...modulesOf('src-renderer')]

  test('know every folder', () => {
    const strays = everything
      .map(({ file }) => file)
      .filter((file) => file.startsWith('src-main/') && !isTest(file) && file !== 'src-main/main.ts')
    expect(
      strays.filter(
        (file) =>
          folderOf(file) !== 'testing' && !electronFolders.includes(folderOf(file)) && !(folderOf(file) in layers)
      )
    ).toEqual([])
  })

  test('let a folder import only from those below it', () => {
    expect(
      importsThat(shipped, ({ file }, target) => {
        const layer = layerOf(file)
        const other = layerOf(target)
        if (layer === null || !target.startsWith('src-main/') || other === layer) return false
        return other === null || !layers[layer]!.some((allowed) => other === allowed || other.startsWith(`${allowed}/`))
      })
    ).toEqual([])
  })

  test('keep what is shipped out of src-main free of tests, bench and renderer', () => {
    expect(
      importsThat(shipped, (_, target) => {
        if (isPackage(target)) return ['vitest', 'fast-check', '@sinonjs/fake-timers'].includes(packageOf(target))
        return (
          folderOf(target) === 'testing' ||
          (!target.startsWith('src-main/') && target !== 'package.json') ||
          target.endsWith('.test.ts')
        )
      })
    ).toEqual([])
  })

  test('let contract import nothing but zod', () => {
    expect(
      importsThat(
        shipped.filter(({ file }) => folderOf(file) === 'contract'),
        (_, target) => isPackage(target) && target !== 'zod'
      )
    ).toEqual([])
  })

  test('let only the Electron side import electron', () => {
    const rest = everything.filter(
      ({ file }) => file !== 'src-main/main.ts' && !electronFolders.includes(folderOf(file)) && isShipped(file)
    )
    expect(
      importsThat(rest, (_, target) => isPackage(target) && /^electron(-store)?$/.test(packageOf(target)))
    ).toEqual([])
  })

  test('let the renderer import only the contract and its own libraries', () => {
    const renderer = everything.filter(
      ({ file }) => file.startsWith('src-renderer/') && !isTest(file) && !forTests(file)
    )
    expect(
      importsThat(renderer, (_, target) => {
        if (isPackage(target)) return !rendererPackages.includes(packageOf(target))
        return forTests(target) || (!target.startsWith('src-renderer/') && !target.startsWith('src-main/contract/'))
      })
    ).toEqual([])
  })

  test('name every import with its extension', () => {
    const known = new Set(filesOf('src-main').concat(filesOf('src-renderer')))
    expect(
      importsThat(everything, (_, target) => !isPackage(target) && target.startsWith('src-') && !known.has(target))
    ).toEqual([])
  })

  test('say in each folder what it is for', () => {
    const folders = [...new Set(everything.map(({ file }) => layerFolderOf(file)))].filter((folder) => folder !== '')
    expect(folders.filter((folder) => !existsSync(path.join(root, folder, 'README.md')))).toEqual([])
  })

  test('have no import cycle', () => {
    expect(cyclesOf(everything)).toEqual([])
  })

  test('call nothing Manager, Helper or Utils', () => {
    const files = ['src-main', 'src-renderer', 'bench', 'scripts', 'e2e'].flatMap(filesOf)
    expect(
      files.filter((file) =>
        /(^|[-./])(managers?|helpers?|utils?|utilities)(?=[-./]|$)|(Manager|Helper|Utils?)\b/i.test(file)
      )
    ).toEqual([])
  })
})

describe('the package', () => {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    version: string
    dependencies?: Record<string, string>
    devDependencies?: Record<string, string>
  }
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    version: string
    packages: Record<string, { version?: string; resolved?: string; optionalDependencies?: Record<string, string> }>
  }
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies }

  test('has the version of the contract', () => {
    expect(manifest.version).toBe(LARDER_VERSION)
    expect(lock.version).toBe(LARDER_VERSION)
  })

  test('pins every dependency to one version', () => {
    expect(Object.entries(wanted).filter(([, range]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(range))).toEqual([])
  })

  test('locks the versions it pins', () => {
    expect(
      Object.entries(wanted).filter(([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version)
    ).toEqual([])
  })

  test('locks the binaries for every system, or npm ci refuses', () => {
    const names = new Set(
      Object.keys(lock.packages).map((place) =>
        place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
      )
    )
    expect(
      Object.values(lock.packages)
        .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
        .filter((name) => !names.has(name))
    ).toEqual([])
  })

  test('locks no package to an address that is not HTTPS', () => {
    expect(
      Object.entries(lock.packages)
        .filter(([, entry]) => entry.resolved !== undefined && !entry.resolved.startsWith('https://'))
        .map(([name]) => name)
    ).toEqual([])
  })

  test('imports only packages it depends on', () => {
    const shipped = modulesOf('src-main').filter(
      ({ file }) => isShipped(file) && file !== 'src-main/main.ts' && !electronFolders.includes(folderOf(file))
    )
    const allowed = new Set([...Object.keys(manifest.dependencies ?? {}), 'larder'])
    expect(
      importsThat(
        shipped,
        (_, target) => isPackage(target) && !target.startsWith('node:') && !allowed.has(packageOf(target))
      )
    ).toEqual([])
  })
})

function filesOf(dir: string): string[] {
  try {
    return readdirSync(path.join(root, dir), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
      .toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function modulesOf(dir: string): Module[] {
  return filesOf(dir)
    .filter((file) => /\.[cm]?tsx?$/.test(file))
    .map((file) => ({
      file,
      imports: importsOf(file, readFileSync(path.join(root, file), 'utf8')).map((specifier) => resolve(file, specifier))
    }))
}

/** What a file imports: statically, dynamically, as types, by re-export, and `import('x').T` in types. */
function importsOf(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
  const found: string[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (node === null || typeof node !== 'object') return
    const { type, source: from } = node as { type?: string; source?: { value?: unknown } | null }
    const importing = [
      'ImportDeclaration',
      'ExportNamedDeclaration',
      'ExportAllDeclaration',
      'ImportExpression',
      'TSImportType'
    ].includes(type ?? '')
    if (importing && typeof from?.value === 'string') found.push(from.value)
    else if (type === 'ImportExpression') throw new Error(`${file}: import() of something that is not a plain string`)
    Object.values(node).forEach(visit)
  }
  visit(program.body)
  return found
}

/** A path from the root for files (`src-main/lib/clock.ts`), the specifier itself for packages. */
function resolve(file: string, specifier: string): string {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : specifier
}

function isPackage(target: string): boolean {
  return (
    !/^(src-main|src-renderer|bench|scripts|e2e|assets|out|bin|docs|\.\.)(\/|$)/.test(target) &&
    target !== 'package.json'
  )
}

/** `@a/b/c` → `@a/b`, `a/b` → `a` */
function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

/** `src-main/lib/clock.ts` → `lib`; empty for files directly in src-main. */
function folderOf(file: string): string {
  return /^src-main\/([^/]+)\//.exec(file)?.[1] ?? ''
}

/** The folder of a layer that a file lies in; empty for files directly in src-main and src-renderer. */
function layerFolderOf(file: string): string {
  const folder = path.posix.dirname(file)
  const layer = layerOf(`${folder}.ts`)
  return layer === null || layer === 'peers/network' ? '' : `src-main/${layer}`
}

/** The line of `layers` that a file falls under: the longest that its path begins with. */
function layerOf(file: string): string | null {
  const parts = file
    .replace(/^src-main\//, '')
    .replace(/\.tsx?$/, '')
    .split('/')
  for (let n = parts.length; n > 0; n--) {
    const name = parts.slice(0, n).join('/')
    if (name in layers) return name
  }
  return null
}

function isTest(file: string): boolean {
  return /\.(test|spec)\.tsx?$/.test(file)
}

/** What the renderer has only for its tests. */
function forTests(file: string): boolean {
  return /^src-renderer\/testing\/|\.config\.ts$/.test(file)
}

function isShipped(file: string): boolean {
  return !isTest(file) && folderOf(file) !== 'testing'
}

function importsThat(modules: readonly Module[], wrong: (module: Module, target: string) => boolean): string[] {
  return modules.flatMap((module) =>
    module.imports.filter((target) => wrong(module, target)).map((target) => `${module.file} → ${target}`)
  )
}

/** Every import cycle once, as `a → b → a`. */
function cyclesOf(modules: readonly Module[]): string[] {
  const byFile = new Map(modules.map((module) => [module.file, module]))
  const finished = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) return void cycles.push([...trail.slice(start), file].join(' → '))
    if (finished.has(file)) return
    for (const target of byFile.get(file)?.imports ?? []) if (byFile.has(target)) visit(target, [...trail, file])
    finished.add(file)
  }
  for (const { file } of modules) visit(file, [])
  return cycles
}
