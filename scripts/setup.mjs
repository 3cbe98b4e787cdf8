// Installs the dependencies when they are missing or are not those of package-lock.json; otherwise does nothing, fast.
// Plain JavaScript without imports from node_modules: it runs on any Node >= 18 in a fresh clone, to say what is wrong with an old one.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const modules = path.join(root, 'node_modules')
const stampFile = path.join(modules, '.larder-setup')

/** Lines of npm's complaint that are shown; after them it explains its own command line. */
const MOST_LINES = 25

/** The Node that the lock file pins, whatever Node the machine has. */
export const pinnedNode = path.join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/**
 * SHA-256 of the Node programs by version and platform. The package `node` fetches them in an install script, past the hashes of
 * package-lock.json.
 */
const pinsFile = path.join(root, 'scripts', 'node-pins.json')

/** Makes sure that node_modules is what package-lock.json says. @returns false when npm failed; it has said why */
export function ensureInstalled() {
  const lockText = readFileSync(path.join(root, 'package-lock.json'))
  const stamp = createHash('sha256').update(lockText).update(`${process.platform} ${process.arch}`).digest('hex')
  if (existsSync(pinnedNode)) {
    if (readText(stampFile) === stamp) return true
    if (installedMatches(JSON.parse(lockText.toString('utf8'))) && nodeIsPinned()) {
      writeFileSync(stampFile, stamp)
      return true
    }
  }
  if (process.platform === 'win32' && process.execPath.startsWith(modules)) {
    // Windows cannot replace the running node.exe; npm run puts the pinned one first on PATH.
    process.stderr.write(
      'The dependencies have changed. Run "node scripts/setup.mjs" once by itself, then this command again.\n'
    )
    return false
  }
  const refusal = nodeRefusal(process.versions.node)
  if (refusal !== null) {
    process.stderr.write(refusal)
    return false
  }
  process.stderr.write('Installing dependencies (npm ci) … ')
  const startedAt = Date.now()
  const result = npmCi()
  if (result.status !== 0) {
    const said = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim().split('\n')
    process.stderr.write(
      `failed.\n${said.slice(0, MOST_LINES).join('\n')}\n${said.length > MOST_LINES ? '… (all of it: run "npm ci")\n' : ''}`
    )
    return false
  }
  if (existsSync(pinnedNode) && !nodeIsPinned()) return false
  if (existsSync(pinnedNode)) writeFileSync(stampFile, stamp)
  process.stderr.write(`done in ${Math.round((Date.now() - startedAt) / 1000)} s\n`)
  return true
}

/**
 * npm leaves out what says that it does not run on the Node npm runs on, parts of the bundler among it, and says so in a warning only.
 * @returns why `npm ci` of this version would end in that; null when it would not
 */
export function nodeRefusal(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const good = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  return good
    ? null
    : `Larder needs Node.js 20.19 or newer (in the 22 series, 22.12 or newer) to install; this is ${version}.\n`
}

/** Before it runs for the first time. What is not the pinned one is deleted. */
function nodeIsPinned() {
  const { version } = JSON.parse(readFileSync(path.join(modules, 'node', 'package.json'), 'utf8'))
  const pinned = JSON.parse(readFileSync(pinsFile, 'utf8'))[version]?.[`${process.platform}-${process.arch}`]
  const found = createHash('sha256').update(readFileSync(pinnedNode)).digest('hex')
  if (pinned === found) return true
  if (pinned === undefined) {
    process.stderr.write(
      `scripts/node-pins.json has no hash of Node ${version} for ${process.platform}-${process.arch}; it is ${found}.\n`
    )
    return true
  }
  rmSync(pinnedNode, { force: true })
  process.stderr.write(
    `The Node that was installed is not the pinned one: SHA-256 ${found} instead of ${pinned}. It was deleted; look where npm got it.\n`
  )
  return false
}

/** True when every package of the lock file is there in its version; npm's own record of the last install tells. */
function installedMatches(lock) {
  let installed
  try {
    installed = JSON.parse(readText(path.join(modules, '.package-lock.json')) ?? '').packages
  } catch {
    return false
  }
  return Object.entries(lock.packages).every(([where, wanted]) => {
    if (where === '') return true
    const found = installed[where]
    return found ? found.version === wanted.version : wanted.optional === true || wanted.devOptional === true
  })
}

function npmCi() {
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 }
  const npmCli = process.env['npm_execpath']
  if (npmCli && /npm-cli\.c?js$/.test(npmCli)) return spawnSync(process.execPath, [npmCli, ...flags], options)
  // Node starts npm.cmd only through a shell; the words are constants.
  if (process.platform === 'win32') return spawnSync(`npm.cmd ${flags.join(' ')}`, { ...options, shell: true })
  return spawnSync('npm', flags, options)
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = ensureInstalled() ? 0 : 1
}
