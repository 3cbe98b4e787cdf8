import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../testing/silent-dns-main.ts', import.meta.url))
let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-stop-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

/** Null: a network of its own can be made here. */
function whyNoNetwork(): string | null {
  if (process.platform !== 'linux') return 'only Linux has network namespaces'
  if (process.getuid?.() !== 0) return 'only root may make a network namespace'
  if (!existsSync('/etc/resolv.conf')) return 'there is no /etc/resolv.conf to put another one over'
  try {
    execFileSync('unshare', ['-n', '-m', 'sh', '-c', 'ip link set lo up && mount --bind /etc/hosts /etc/resolv.conf'])
    return null
  } catch {
    return 'a network namespace cannot be made here'
  }
}

const missing = whyNoNetwork()
if (missing !== null) console.log(`skipped: stopping while names are looked up at a silent name server: ${missing}`)

test.skipIf(missing !== null)(
  'an agent that looks up ten names at a silent name server stops within five seconds',
  { timeout: 120_000 },
  async () => {
    const resolvConf = join(dir, 'resolv.conf')
    await writeFile(resolvConf, 'nameserver 127.0.0.1\n')
    const inside = `ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" --no-warnings "$3" "$4"`
    const { stdout } = await promisify(execFile)('unshare', [
      ...['-n', '-m', 'sh', '-c', inside, 'sh'],
      ...[resolvConf, process.execPath, script, join(dir, 'data')]
    ])
    const { stopMs, ...rest } = JSON.parse(stdout) as { stopMs: number }
    expect(rest).toMatchObject({ code: 0, signal: null, queries: expect.any(Number) })
    expect(stopMs).toBeLessThanOrEqual(5000)
  }
)
