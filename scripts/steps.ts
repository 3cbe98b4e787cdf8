import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { addTallies, emptyTally, tallyOfPlaywright, type Tally } from './tally.ts'

export const root = path.dirname(import.meta.dirname)

/**
 * Runs a program with this Node, with nothing on its standard input. `aside` sends what it says to standard error, `later` gets
 * what it says in place of the terminal.
 * @returns its exit code, 1 when it was killed
 */
export function runNode(
  args: readonly string[],
  options: { env?: Record<string, string>; aside?: boolean; later?: (said: Buffer) => void } = {}
): Promise<number> {
  const { later } = options
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', later ? 'pipe' : options.aside ? process.stderr : 'inherit', later ? 'pipe' : 'inherit'],
      env: { ...process.env, ...options.env }
    })
    if (later) for (const stream of [child.stdout, child.stderr]) stream?.on('data', later)
    const interrupt = (): void => void child.kill('SIGINT')
    process.on('SIGINT', interrupt)
    child.once('error', reject)
    child.once('exit', (code) => {
      process.off('SIGINT', interrupt)
      resolve(code ?? 1)
    })
  })
}

/** A step that is right or wrong as a whole: nothing passed when it succeeds, one failure when it does not. */
async function runStep(title: string, args: readonly string[]): Promise<Tally> {
  process.stdout.write(`\n— ${title}\n`)
  const code = await runNode(args)
  if (code !== 0) process.stdout.write(`${title}: failed (exit code ${code})\n`)
  return { ...emptyTally, failed: code === 0 ? 0 : 1 }
}

export async function checkTypes(): Promise<Tally> {
  const tsc = path.join('node_modules', 'typescript', 'lib', 'tsc.js')
  const main = await runStep('types: main', [tsc, '-p', 'tsconfig.node.json', '--noEmit'])
  if (!holdsSources(path.join(root, 'src-renderer'))) return main
  return addTallies(
    main,
    await runStep('types: renderer', [tsc, '-p', 'tsconfig.web.json', '--noEmit']),
    await runStep('types: end to end', [tsc, '-p', 'tsconfig.e2e.json', '--noEmit'])
  )
}

/** Lint with the rules that need types (no-floating-promises), and the layout of every file. */
export async function lint(): Promise<Tally> {
  return addTallies(
    await runStep('lint', [path.join('node_modules', 'oxlint', 'bin', 'oxlint'), '--deny-warnings', '--type-aware']),
    await runStep('format', [path.join('node_modules', 'oxfmt', 'bin', 'oxfmt'), '--list-different', '.'])
  )
}

/** Runs the tests of one vitest project; see vitest.config.ts. `later`: see {@link runNode}. */
export async function runVitest(
  project: 'main' | 'renderer' | 'integration' | 'netns',
  { more = [], later }: { more?: readonly string[]; later?: (said: Buffer) => void } = {}
): Promise<Tally> {
  const title = `\n— tests: ${project}\n`
  if (later) later(Buffer.from(title))
  else process.stdout.write(title)
  return withTallyFile(async (file) => {
    const code = await runNode(
      [
        path.join('node_modules', 'vitest', 'vitest.mjs'),
        'run',
        '--project',
        project,
        '--passWithNoTests',
        '--reporter=default',
        '--reporter=./scripts/tally-reporter.ts',
        ...more
      ],
      { env: { LARDER_TALLY_FILE: file }, ...(later && { later }) }
    )
    const tally = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Tally) : emptyTally
    return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
  })
}

/** Runs the end-to-end specs. Without a browser, and none to be had, they are skipped as a whole and say so. */
export async function runEndToEnd(more: readonly string[] = []): Promise<Tally> {
  process.stdout.write('\n— tests: end to end\n')
  const without = await browserMissing()
  if (without !== null) return { ...emptyTally, skipped: [{ title: 'all end-to-end tests', reason: without }] }
  return withTallyFile(async (file) => {
    const code = await runNode(
      [path.join('node_modules', '@playwright', 'test', 'cli.js'), 'test', '--reporter=list,json', ...more],
      { env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file, PLAYWRIGHT_FORCE_TTY: '0' } }
    )
    const tally = existsSync(file) ? tallyOfPlaywright(JSON.parse(readFileSync(file, 'utf8'))) : emptyTally
    return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
  })
}

/** Sees to it that the specs have what they run in. @returns one sentence when they have not */
async function browserMissing(): Promise<string | null> {
  const [{ runtime }, { ensureChromium }] = await Promise.all([
    import('../e2e/runtime.ts'),
    import('../e2e/ensure-chromium.ts')
  ])
  if (runtime.kind === 'electron') return null
  try {
    ensureChromium()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

async function withTallyFile(run: (file: string) => Promise<Tally>): Promise<Tally> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'larder-tally-'))
  try {
    return await run(path.join(dir, 'tally.json'))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function holdsSources(dir: string, name = /\.tsx?$/): boolean {
  return existsSync(dir) && readdirSync(dir, { recursive: true }).some((file) => name.test(String(file)))
}
