import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { RunningProgram, RunScope } from '../run-scope.ts'

export interface WanOptions {
  /** Rate of the link towards the site, on the wire, and away from it. */
  readonly rateMbit: number
  /** Round trip between site and origin without queues. */
  readonly rttMs: number
  /** How long the queue before the link may become. */
  readonly bufferMs: number
}

/** Addresses for documentation (RFC 5737): nothing real is ever reached. */
const ORIGIN = '192.0.2.2'

/**
 * A site and an origin with a narrow link between them, made of three network namespaces with names of their own; no interface of
 * the machine is touched, and nothing is left after `close`.
 *
 *     origin ──── isp ════ site
 *           delay     rate and queue
 */
export class WanLab {
  readonly originAddress = ORIGIN
  readonly #scope: RunScope
  readonly #names: Record<'origin' | 'isp' | 'site', string>
  readonly #removeHandler: () => void

  private constructor(scope: RunScope) {
    this.#scope = scope
    const prefix = `larder-${process.pid}`
    this.#names = { origin: `${prefix}-origin`, isp: `${prefix}-isp`, site: `${prefix}-site` }
    const atExit = () => this.#remove()
    process.on('exit', atExit)
    this.#removeHandler = () => process.off('exit', atExit)
  }

  /** Why there can be no lab on this machine; null when there can. */
  static missing(): string | null {
    if (process.platform !== 'linux') return 'network namespaces exist on Linux only'
    if (process.getuid?.() !== 0) return 'network namespaces need root'
    if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
    for (const tool of ['ip', 'tc', 'cc', 'nginx', 'curl'])
      if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `the program ${tool} is missing`
    return null
  }

  static async open(scope: RunScope, options: WanOptions): Promise<WanLab> {
    const lab = new WanLab(scope)
    try {
      await lab.#build(options)
      return lab
    } catch (error) {
      lab.close()
      throw error
    }
  }

  /** Starts a program in a namespace; as {@link RunScope.start}. */
  start(
    where: 'origin' | 'isp' | 'site',
    file: string,
    args: readonly string[],
    options: { logFile: string; readyLine?: boolean }
  ): Promise<RunningProgram> {
    return this.#scope.start('ip', ['netns', 'exec', this.#names[where], file, ...args], options)
  }

  /** Bytes the site has received over the link so far, on the wire. */
  get receivedBytes(): number {
    return Number(
      execFileSync('ip', ['netns', 'exec', this.#names.site, 'cat', '/sys/class/net/wan0/statistics/rx_bytes'], {
        encoding: 'utf8'
      })
    )
  }

  close(): void {
    this.#removeHandler()
    this.#remove()
  }

  async #build({ rateMbit, rttMs, bufferMs }: WanOptions): Promise<void> {
    const { origin, isp, site } = this.#names
    for (const name of [origin, isp, site]) {
      run('ip', 'netns', 'add', name)
      run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    }
    cable([origin, 'eth0'], [isp, 'origin0'])
    cable([isp, 'site0'], [site, 'wan0'])
    run('ip', '-n', isp, 'addr', 'add', '192.0.2.1/24', 'dev', 'origin0')
    run('ip', '-n', origin, 'addr', 'add', `${ORIGIN}/24`, 'dev', 'eth0')
    run('ip', '-n', isp, 'addr', 'add', '198.51.100.1/24', 'dev', 'site0')
    run('ip', '-n', site, 'addr', 'add', '198.51.100.2/24', 'dev', 'wan0')
    // The most common one, whatever this machine uses itself.
    const control = readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').includes('cubic')
      ? ['congctl', 'cubic']
      : []
    run('ip', '-n', origin, 'route', 'add', 'default', 'via', '192.0.2.1', ...control)
    run('ip', '-n', site, 'route', 'add', 'default', 'via', '198.51.100.1', ...control)
    run('ip', 'netns', 'exec', isp, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    await this.#delay(rttMs)
    shape(isp, 'site0', rateMbit, bufferMs)
    shape(site, 'wan0', rateMbit, bufferMs)
  }

  /** What comes from either side goes through the delay line first, and from there to where it is bound. */
  async #delay(rttMs: number): Promise<void> {
    const { isp } = this.#names
    const dir = this.#scope.folder('lab')
    const program = path.join(dir, 'delay-line')
    run('cc', '-O2', '-o', program, path.join(import.meta.dirname, 'delay-line.c'))
    await this.start('isp', program, ['line0', String(rttMs / 2)], { logFile: path.join(dir, 'delay-line.log') })
    run('ip', '-n', isp, 'link', 'set', 'line0', 'txqueuelen', '10000', 'up')
    run('ip', '-n', isp, 'route', 'add', 'default', 'dev', 'line0', 'table', '7')
    for (const side of ['origin0', 'site0'])
      run('ip', '-n', isp, 'rule', 'add', 'iif', side, 'lookup', '7', 'priority', '10')
  }

  #remove(): void {
    for (const name of Object.values(this.#names)) {
      // Nothing but this lab runs in them.
      const pids =
        spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout?.trim().split('\n').filter(Boolean) ?? []
      for (const pid of pids) spawnSync('kill', ['-KILL', pid])
      spawnSync('ip', ['netns', 'del', name])
    }
  }
}

function cable([nameA, deviceA]: [string, string], [nameB, deviceB]: [string, string]): void {
  run('ip', 'link', 'add', deviceA, 'netns', nameA, 'type', 'veth', 'peer', 'name', deviceB, 'netns', nameB)
  for (const [name, device] of [
    [nameA, deviceA],
    [nameB, deviceB]
  ] as const)
    run('ip', '-n', name, 'link', 'set', device, 'gso_max_segs', '1', 'up')
}

function shape(name: string, device: string, rateMbit: number, bufferMs: number): void {
  run(
    'tc',
    '-n',
    name,
    'qdisc',
    'add',
    'dev',
    device,
    'root',
    'tbf',
    'rate',
    `${rateMbit}mbit`,
    'burst',
    '10000',
    'latency',
    `${bufferMs}ms`
  )
}

function run(file: string, ...args: string[]): void {
  const done = spawnSync(file, args, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${file} ${args.join(' ')}: ${done.stderr?.trim() || done.error?.message}`)
}
