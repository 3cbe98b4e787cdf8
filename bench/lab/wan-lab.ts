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
  /** PCs on a switch of the site, each in a namespace of its own. */
  readonly pcs?: number
}

/** Bytes in frames, as the interfaces counted them. */
export interface FrameBytes {
  /** Over the link to the site. */
  readonly wanDown: number
  /** Between the PCs of the site. */
  readonly lan: number
}

/** Addresses for documentation (RFC 5737): nothing real is ever reached. */
const ORIGIN = '192.0.2.2'

/**
 * A site and an origin with a narrow link between them, made of network namespaces with names of their own; no interface of the
 * machine is touched, and nothing is left after `close`.
 *
 *     origin ──── isp ════ site ── switch ── pc 1, pc 2, …
 *           delay     rate and queue
 */
export class WanLab {
  readonly originAddress = ORIGIN
  readonly #scope: RunScope
  readonly #names: Record<'origin' | 'isp' | 'site', string>
  readonly #pcs: readonly string[]
  readonly #removeHandler: () => void

  private constructor(scope: RunScope, pcs: number) {
    this.#scope = scope
    const prefix = `larder-${process.pid}`
    this.#pcs = Array.from({ length: pcs }, (_, i) => `${prefix}-pc${i + 1}`)
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
    const lab = new WanLab(scope, options.pcs ?? 0)
    try {
      await lab.#build(options)
      return lab
    } catch (error) {
      lab.close()
      throw error
    }
  }

  /** Starts a program in a namespace, a number is that of a PC; as {@link RunScope.start}. */
  start(
    where: 'origin' | 'isp' | 'site' | number,
    file: string,
    args: readonly string[],
    options: { logFile: string; readyLine?: boolean; env?: Readonly<Record<string, string>>; cwd?: string }
  ): Promise<RunningProgram> {
    const name = typeof where === 'number' ? this.#pcs[where]! : this.#names[where]
    return this.#scope.start('ip', ['netns', 'exec', name, file, ...args], options)
  }

  /** What a program on a PC says. */
  ask(pc: number, file: string, args: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.#pcs[pc]!, file, ...args], { encoding: 'utf8' })
  }

  frameBytes(): FrameBytes {
    const of = (device: string, what: 'rx' | 'tx') => this.#count(device, what)
    const sent = this.#pcs.reduce((sum, _, i) => sum + of(`pc${i + 1}`, 'rx'), 0)
    return { wanDown: of('wan0', 'rx'), lan: sent - of('wan0', 'tx') }
  }

  /** Bytes the site has received over the link so far, on the wire. */
  get receivedBytes(): number {
    return this.#count('wan0', 'rx')
  }

  close(): void {
    this.#removeHandler()
    this.#remove()
  }

  #count(device: string, what: 'rx' | 'tx'): number {
    const file = `/sys/class/net/${device}/statistics/${what}_bytes`
    return Number(execFileSync('ip', ['netns', 'exec', this.#names.site, 'cat', file], { encoding: 'utf8' }))
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
    if (this.#pcs.length > 0) this.#addPcs(control)
    await this.#delay(rttMs)
    shape(isp, 'site0', rateMbit, bufferMs)
    shape(site, 'wan0', rateMbit, bufferMs)
  }

  #addPcs(control: readonly string[]): void {
    const { isp, site } = this.#names
    run(
      'ip',
      '-n',
      site,
      'link',
      'add',
      'name',
      'switch',
      'type',
      'bridge',
      'forward_delay',
      '0',
      'mcast_snooping',
      '0'
    )
    run('ip', '-n', site, 'addr', 'add', '10.77.0.1/24', 'dev', 'switch')
    run('ip', '-n', site, 'link', 'set', 'switch', 'up')
    run('ip', 'netns', 'exec', site, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    run('ip', '-n', isp, 'route', 'add', '10.77.0.0/24', 'via', '198.51.100.2')
    for (const [i, name] of this.#pcs.entries()) {
      run('ip', 'netns', 'add', name)
      run('ip', '-n', name, 'link', 'set', 'lo', 'up')
      cable([site, `pc${i + 1}`], [name, 'eth0'])
      run('ip', '-n', site, 'link', 'set', `pc${i + 1}`, 'master', 'switch')
      run('ip', '-n', name, 'addr', 'add', `10.77.0.${i + 11}/24`, 'brd', '+', 'dev', 'eth0')
      run('ip', '-n', name, 'route', 'add', 'default', 'via', '10.77.0.1', ...control)
    }
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
    for (const name of [...Object.values(this.#names), ...this.#pcs]) {
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
