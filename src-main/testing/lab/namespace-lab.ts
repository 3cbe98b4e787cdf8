import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Names carry the process that made them, so that what a crash left behind is found and removed by the next lab. */
const PREFIX = 'lrdlab'
const nameOf = (own: string, pid = process.pid) => `${PREFIX}-${pid}-${own}`

/** Why no lab can be had here; null where it can. */
export function whyNoLab(): string | null {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only'
  if (process.getuid?.() !== 0) return 'making network namespaces needs root'
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
  } catch {
    return 'the command ip (iproute2) is not there'
  }
  const probe = nameOf('probe')
  try {
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'ignore' })
    execFileSync('ip', ['netns', 'del', probe], { stdio: 'ignore' })
    return null
  } catch {
    return 'this system lets root make no network namespaces'
  }
}

/**
 * PCs, switches and a router on one Linux machine, each PC in a network namespace of its own. No interface of the machine
 * itself is touched.
 *
 *     pc-1 eth0 ── switch a ── router ── switch b ── eth0 pc-3
 *     pc-2 eth0 ──┘                        └──────── eth1 pc-2
 */
export class NamespaceLab {
  readonly #hosts = new Map<string, LabHost>()
  readonly #router = nameOf('router')
  readonly #atExit = (): void => removeSync(process.pid)
  #ports = 0

  private constructor() {
    process.on('exit', this.#atExit)
  }

  /** Removes what earlier labs of processes that are gone left behind, and begins a new one. */
  static async open(): Promise<NamespaceLab> {
    for (const pid of await abandoned()) await remove(pid)
    await remove(process.pid)
    const lab = new NamespaceLab()
    await addNamespace(lab.#router)
    await inside(lab.#router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    return lab
  }

  /** A switch with a subnet; the router has the given address in it. @param gateway `10.77.1.1/24` */
  async addSwitch(name: string, gateway: string): Promise<void> {
    const bridge = bridgeOf(name)
    await inside(
      this.#router,
      'ip',
      'link',
      'add',
      'name',
      bridge,
      'type',
      'bridge',
      'forward_delay',
      '0',
      'stp_state',
      '0',
      'mcast_snooping',
      '0'
    )
    await inside(this.#router, 'ip', 'addr', 'add', gateway, 'dev', bridge)
    await inside(this.#router, 'ip', 'link', 'set', 'dev', bridge, 'up')
  }

  async addHost(name: string): Promise<LabHost> {
    const host = new LabHost(name, nameOf(name), this.#router, () => `port${++this.#ports}`)
    await addNamespace(host.namespace)
    this.#hosts.set(name, host)
    return host
  }

  /** Runs a command in the router, where the switches are. */
  onRouter(command: string, ...args: string[]): Promise<string> {
    return inside(this.#router, command, ...args)
  }

  /** Ends all processes in the lab and removes it. */
  async close(): Promise<void> {
    process.off('exit', this.#atExit)
    await remove(process.pid)
    this.#hosts.clear()
  }
}

/** One PC of a lab. */
export class LabHost {
  readonly name: string
  readonly namespace: string
  readonly #router: string
  readonly #newPort: () => string
  /** Interface → its port at the switch. */
  readonly #ports = new Map<string, string>()

  constructor(name: string, namespace: string, router: string, newPort: () => string) {
    this.name = name
    this.namespace = namespace
    this.#router = router
    this.#newPort = newPort
  }

  /** A new network card on a switch. @param address `10.77.1.11/24`, or null for none but the link-local IPv6 one */
  async plug(card: string, onSwitch: string, address: string | null, gateway?: string): Promise<void> {
    const port = this.#newPort()
    await inside(
      this.namespace,
      'ip',
      'link',
      'add',
      'name',
      card,
      'type',
      'veth',
      'peer',
      'name',
      port,
      'netns',
      this.#router
    )
    await inside(this.#router, 'ip', 'link', 'set', 'dev', port, 'master', bridgeOf(onSwitch), 'up')
    await this.ip('link', 'set', 'dev', card, 'up')
    if (address !== null) await this.ip('addr', 'add', address, 'brd', '+', 'dev', card)
    if (gateway !== undefined) await this.ip('route', 'replace', 'default', 'via', gateway, 'dev', card)
    this.#ports.set(card, port)
  }

  /** The card is gone, as a USB adapter that is pulled out. */
  async remove(card: string): Promise<void> {
    await this.ip('link', 'del', 'dev', card)
    this.#ports.delete(card)
  }

  /** Pulls or plugs the cable: the card stays. */
  async cable(card: string, state: 'in' | 'out'): Promise<void> {
    await inside(this.#router, 'ip', 'link', 'set', 'dev', this.portOf(card), state === 'in' ? 'up' : 'down')
  }

  /** What the switch does with multicast and broadcast towards this card. */
  async flood(card: string, flood: { multicast: boolean; broadcast: boolean }): Promise<void> {
    const onOff = (on: boolean) => (on ? 'on' : 'off')
    await inside(
      this.#router,
      'ip',
      'link',
      'set',
      'dev',
      this.portOf(card),
      'type',
      'bridge_slave',
      'mcast_flood',
      onOff(flood.multicast),
      'bcast_flood',
      onOff(flood.broadcast)
    )
  }

  /** Limits what this card sends and receives. */
  async shape(card: string, mbitPerSecond: number): Promise<void> {
    const burstBytes = Math.max(10_000, Math.round((mbitPerSecond * 1e6) / 8 / 250))
    const tbf = ['root', 'tbf', 'rate', `${mbitPerSecond}mbit`, 'burst', String(burstBytes), 'latency', '50ms']
    await inside(this.namespace, 'tc', 'qdisc', 'replace', 'dev', card, ...tbf)
    await inside(this.#router, 'tc', 'qdisc', 'replace', 'dev', this.portOf(card), ...tbf)
  }

  /** The card's port at the switch, for commands on the router. */
  portOf(card: string): string {
    const port = this.#ports.get(card)
    if (port === undefined) throw new Error(`${this.name} has no card ${card}`)
    return port
  }

  ip(...args: string[]): Promise<string> {
    return inside(this.namespace, 'ip', ...args)
  }

  run(command: string, ...args: string[]): Promise<string> {
    return inside(this.namespace, command, ...args)
  }

  /** Starts a process on this PC; it ends with the lab at the latest. */
  spawn(
    command: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}
  ): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespace, command, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...options
    })
  }
}

/** A switch is a bridge in the router; one-letter names would be taken for abbreviations. */
const bridgeOf = (name: string): string => `sw-${name}`

async function addNamespace(namespace: string): Promise<void> {
  await run('ip', ['netns', 'add', namespace])
  await inside(namespace, 'ip', 'link', 'set', 'lo', 'up')
}

async function inside(namespace: string, command: string, ...args: string[]): Promise<string> {
  try {
    return (await run('ip', ['netns', 'exec', namespace, command, ...args])).stdout
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(`${command} ${args.join(' ')} in ${namespace}: ${stderr?.trim() || (error as Error).message}`, {
      cause: error
    })
  }
}

const named = (listing: string): string[] =>
  listing
    .split('\n')
    .map((line) => line.split(' ')[0]!)
    .filter((name) => name.startsWith(`${PREFIX}-`))

/** Processes whose labs are still there although they are not. */
async function abandoned(): Promise<Set<number>> {
  const { stdout } = await run('ip', ['netns', 'list'])
  const makers = new Set(named(stdout).map((name) => Number(name.split('-')[1])))
  return new Set([...makers].filter((pid) => !isAlive(pid)))
}

function isAlive(pid: number): boolean {
  try {
    accessSync(`/proc/${pid}`, constants.F_OK)
    return true
  } catch {
    return false
  }
}

async function remove(maker: number): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list'])
  for (const namespace of named(stdout).filter((name) => name.startsWith(nameOf('', maker)))) {
    await endProcesses(namespace)
    await run('ip', ['netns', 'del', namespace]).catch(() => {})
  }
}

/** Nothing but the lab runs in its namespaces. */
async function endProcesses(namespace: string): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'pids', namespace]).catch(() => ({ stdout: '' }))
  for (const pid of stdout
    .split('\n')
    .map(Number)
    .filter((n) => n > 1))
    endProcess(pid)
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** At the exit of the process nothing asynchronous runs any more. */
function removeSync(maker: number): void {
  try {
    const listing = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    for (const namespace of named(listing).filter((name) => name.startsWith(nameOf('', maker)))) {
      for (const pid of execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' })
        .split('\n')
        .map(Number)
        .filter((n) => n > 1))
        endProcess(pid)
      execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' })
    }
  } catch {
    // The next lab removes it.
  }
}
