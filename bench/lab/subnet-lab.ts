import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cliFile } from '../../scripts/bundles.ts'
import type { RequestView } from '../../src-main/contract/request.ts'
import type { AgentSnapshot } from '../../src-main/contract/snapshot.ts'
import type { AgentEvent } from '../../src-main/contract/events.ts'
import { newSiteKey } from '../../src-main/peers/fleet/site-key.ts'
import { NamespaceLab, whyNoLab, type LabHost } from '../../src-main/testing/lab/namespace-lab.ts'
import type { RunningProgram, RunScope } from '../run-scope.ts'

/** Addresses for documentation (RFC 5737): nothing real is ever reached. */
const ORIGIN = '192.0.2.2'
const START_MS = 60_000
const MEET_MS = 90_000

export interface SubnetLabOptions {
  readonly subnets: number
  readonly pcs: number
  /** Of the link between origin and router, towards the site. */
  readonly wanMbit: number
  /** `section.name=value` of all PCs. */
  readonly settings?: readonly string[]
}

/** One PC with its agent, in a namespace of its own. */
export interface LabPc {
  readonly name: string
  /** From 1 on. */
  readonly subnet: number
  readonly address: string
  readonly host: LabHost
  readonly dir: string
  agent: RunningProgram | null
}

/** How one `larder get` ended. */
export interface Got {
  readonly pc: LabPc
  readonly seconds: number
  readonly view: RequestView | null
  readonly bytes: number
  readonly error: string | null
}

/**
 * An origin behind a WAN, a router that counts, and subnets of PCs: network namespaces, real nginx, agents of the command line. What goes
 * from one subnet to another is counted on the router, as IP packets.
 *
 *     nginx ══ router ─┬─ switch 1 ── s1-pc1, s1-pc2, …, hub
 *                      └─ switch 2 ── s2-pc1, …
 */
export class SubnetLab {
  readonly origin = ORIGIN
  readonly www: string
  readonly pcs: LabPc[] = []
  readonly siteKey = newSiteKey()
  readonly lab: NamespaceLab
  readonly scope: RunScope
  readonly #o: SubnetLabOptions
  readonly #originHost: LabHost

  private constructor(lab: NamespaceLab, scope: RunScope, originHost: LabHost, options: SubnetLabOptions) {
    this.lab = lab
    this.scope = scope
    this.#originHost = originHost
    this.#o = options
    this.www = scope.folder('www')
  }

  /** Why there can be no lab on this machine; null when there can. */
  static missing(): string | null {
    const why = whyNoLab()
    if (why !== null) return why
    for (const tool of ['iptables', 'tc', 'nginx', 'curl'])
      if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `the program ${tool} is missing`
    return null
  }

  static async open(scope: RunScope, options: SubnetLabOptions): Promise<SubnetLab> {
    const lab = await NamespaceLab.open()
    try {
      await lab.addSwitch('wan', '192.0.2.1/24')
      const origin = await lab.addHost('origin')
      await origin.plug('eth0', 'wan', `${ORIGIN}/24`, '192.0.2.1')
      await origin.run(
        ...(['tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', 'rate', `${options.wanMbit}mbit`] as const),
        ...['burst', '32kb', 'latency', '100ms']
      )
      const site = new SubnetLab(lab, scope, origin, options)
      await site.#build()
      return site
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  get subnets(): number[] {
    return Array.from({ length: this.#o.subnets }, (_, i) => i + 1)
  }

  /** Puts a file where nginx gives it. @returns its URL */
  put(name: string, bytes: Buffer): string {
    writeFileSync(path.join(this.www, name), bytes)
    return `http://${ORIGIN}/${name}`
  }

  /** Answers with content that nginx gave for a path: one line of its log each. `askedMs`: when the request came; wall clock. */
  answers(name: string): { method: string; status: number; bytes: number; askedMs: number; from: string }[] {
    return this.#log()
      .filter((line) => line.uri === `/${name}`)
      .map(({ at, took, uri: _uri, ...answer }) => ({ ...answer, askedMs: (at - took) * 1000 }))
  }

  /** Bytes of bodies of a file that left the origin. */
  originBytes(name: string): number {
    return this.answers(name).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** IP bytes from subnet to subnet, as the router forwards them; 0 is the WAN. */
  async routed(): Promise<number[][]> {
    const table = await this.lab.onRouter('iptables', '-nvxL', 'FORWARD')
    const size = this.#o.subnets + 1
    const counts = Array.from({ length: size }, () => Array.from({ length: size }, () => 0))
    const at = (address: string) => (address.startsWith('192.0.2.') ? 0 : Number(address.split('.')[2]))
    for (const line of table.split('\n')) {
      const found = /^\s*\d+\s+(\d+)\s+(?:all|0)\s.*\s([\d.]+)\/24\s+([\d.]+)\/24\s*$/.exec(line)
      if (found) counts[at(found[2]!)]![at(found[3]!)] = Number(found[1])
    }
    return counts
  }

  /** Starts the agents of all PCs and waits until those of each subnet have met, and `hubs` are connected. */
  async start(settings: readonly string[], hubs = 0): Promise<void> {
    for (const pcs of this.subnets.map((subnet) => this.pcs.filter((pc) => pc.subnet === subnet)))
      await Promise.all(pcs.map((pc) => this.startAgent(pc, settings)))
    await this.untilMet(hubs)
  }

  async untilMet(hubs: number, of: readonly LabPc[] = this.pcs): Promise<void> {
    for (const pc of of)
      await this.until(
        pc,
        (s) =>
          s.peers.filter((peer) => peer.state === 'connected' && !peer.far).length >= this.#o.pcs - 1 &&
          s.hub.hubs.filter((hub) => hub.state === 'connected').length >= hubs,
        MEET_MS
      )
  }

  /** @param settings `hub.urls` goes into the settings file, where it can be changed later */
  async startAgent(pc: LabPc, settings: readonly string[]): Promise<void> {
    const isUrls = (one: string) => one.startsWith('hub.urls=')
    const urls = settings.find(isUrls)?.slice('hub.urls='.length)
    if (urls !== undefined)
      writeFileSync(path.join(pc.dir, 'settings.json'), JSON.stringify({ hub: { urls: JSON.parse(urls) } }), {
        mode: 0o600
      })
    const all = [...(this.#o.settings ?? []), ...settings.filter((one) => !isUrls(one))].flatMap((one) => [
      '--set',
      one
    ])
    pc.agent = await this.run(pc.host, process.execPath, [
      cliFile,
      'agent',
      ...['--data-dir', pc.dir, '--name', pc.name, '--log-level', 'warn', '--json'],
      ...all
    ])
  }

  /** One more PC that is a hub. @param settings of the section hub and others */
  async startHub(subnet: number, name: string, settings: readonly string[] = []): Promise<LabPc> {
    const last = 200 + this.pcs.length + Number(name.replaceAll(/\D/g, '') || 0)
    const pc = await this.#addPc(name, subnet, last)
    await this.#runHub(pc, settings)
    return pc
  }

  async restartHub(pc: LabPc, settings: readonly string[] = []): Promise<void> {
    await pc.agent?.stop()
    await this.#runHub(pc, settings)
  }

  /** Everybody asks at the same moment, by `larder get`. */
  getAll(url: string, pcs: readonly LabPc[] = this.pcs, timeout = '180s'): Promise<Got[]> {
    return Promise.all(pcs.map((pc) => this.get(pc, url, timeout)))
  }

  async get(pc: LabPc, url: string, timeout = '180s'): Promise<Got> {
    const out = path.join(pc.dir, `out-${path.basename(url)}`)
    const begun = performance.now()
    const args = [cliFile, 'get', url, '-o', out, '--data-dir', pc.dir, '--json', '--timeout', timeout]
    const child = pc.host.spawn(process.execPath, args)
    let said = ''
    child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    const seconds = (performance.now() - begun) / 1000
    const view = (await this.snapshot(pc).catch(() => null))?.requests.findLast((one) => one.url === url) ?? null
    return {
      pc,
      seconds,
      view,
      bytes: existsSync(out) ? statSync(out).size : 0,
      error: code === 0 ? null : said.slice(-400)
    }
  }

  async snapshot(pc: LabPc): Promise<AgentSnapshot> {
    return (await this.#call(pc, 'snapshot')) as AgentSnapshot
  }

  async events(pc: LabPc): Promise<AgentEvent[]> {
    return ((await this.#call(pc, 'events')) as { events: AgentEvent[] }).events
  }

  async until(pc: LabPc, is: (snapshot: AgentSnapshot) => boolean, limitMs = START_MS): Promise<void> {
    const end = performance.now() + limitMs
    for (;;) {
      const snapshot = await this.snapshot(pc)
      if (is(snapshot)) return
      if (performance.now() > end)
        throw new Error(
          `${pc.name} is not as expected after ${limitMs} ms: ${JSON.stringify([snapshot.peers.map((p) => [p.name, p.state]), snapshot.hub.hubs])}`
        )
      await sleep(200)
    }
  }

  /** Changes a live setting. @param value JSON */
  async configure(pc: LabPc, name: string, value: string): Promise<void> {
    await pc.host.run(process.execPath, cliFile, 'config', 'set', name, value, '--data-dir', pc.dir)
  }

  /** The first PC whose snapshot fulfils a condition. */
  async find(is: (snapshot: AgentSnapshot) => boolean, limitMs = START_MS): Promise<LabPc> {
    const end = performance.now() + limitMs
    for (;;) {
      const all = await Promise.all(this.pcs.map(async (pc) => (is(await this.snapshot(pc)) ? pc : null)))
      const found = all.find((pc) => pc !== null)
      if (found) return found
      if (performance.now() > end) throw new Error('no PC is as expected')
      await sleep(50)
    }
  }

  /** All of these files, six at a time, by curl through the gateway of this PC. */
  async throughGateway(pc: LabPc, names: readonly string[]): Promise<void> {
    const list = path.join(pc.dir, 'urls')
    const lines = names.map(
      (name) => `url = "http://127.0.0.1:4727/fetch?url=http://${ORIGIN}/${name}"\noutput = "/dev/null"`
    )
    writeFileSync(list, lines.join('\n'))
    await pc.host.run('curl', '-sSf', '-Z', '--parallel-max', '6', '-K', list)
  }

  /** Two subnets become one: a cable between their switches. */
  async bridge(a: number, b: number): Promise<void> {
    await this.lab.onRouter('ip', 'link', 'add', 'name', 'joinA', 'type', 'veth', 'peer', 'name', 'joinB')
    await this.lab.onRouter('ip', 'link', 'set', 'dev', 'joinA', 'master', `sw-lan${a}`, 'up')
    await this.lab.onRouter('ip', 'link', 'set', 'dev', 'joinB', 'master', `sw-lan${b}`, 'up')
  }

  /**
   * Nothing passes between PCs of different subnets but what goes to or comes from this one. `everybody`: nor between those of one
   * subnet, as where a switch isolates its clients.
   */
  async isolate(hub: LabPc, { everybody = false } = {}): Promise<void> {
    const rule = (...what: string[]) => this.lab.onRouter('iptables', '-w', '-I', 'FORWARD', ...what)
    await rule('-s', '10.77.0.0/16', '-d', '10.77.0.0/16', '-j', 'DROP')
    // What the switches carry comes by here as well.
    if (!everybody)
      for (const subnet of this.subnets.map((i) => `10.77.${i}.0/24`))
        await rule('-s', subnet, '-d', subnet, '-j', 'ACCEPT')
    await rule('-s', hub.address, '-j', 'ACCEPT')
    await rule('-d', hub.address, '-j', 'ACCEPT')
  }

  /** From now on TCP connections that PCs try to open to these places are counted. @param places arguments of iptables */
  async countSyns(places: readonly (readonly string[])[]): Promise<void> {
    for (const { host } of this.pcs)
      for (const place of places) await host.run('iptables', '-w', '-A', 'OUTPUT', '-p', 'tcp', '--syn', ...place)
  }

  /** How many, by place in the order of {@link countSyns}. */
  async syns(): Promise<number[]> {
    const sums: number[] = []
    for (const { host } of this.pcs) {
      const table = await host.run('iptables', '-nvxL', 'OUTPUT')
      const rows = table.split('\n').filter((line) => /^\s*\d+\s+\d+\s+tcp/.test(line))
      for (const [i, row] of rows.entries()) sums[i] = (sums[i] ?? 0) + Number(row.trim().split(/\s+/)[0])
    }
    return sums
  }

  /** Starts a program on a PC and waits for its first line. */
  run(host: LabHost, file: string, args: readonly string[], readyLine = true): Promise<RunningProgram> {
    const dir = this.scope.folder('log')
    return this.scope.start('ip', ['netns', 'exec', host.namespace, file, ...args], {
      logFile: path.join(dir, 'stderr.log'),
      readyLine,
      env: { LARDER_FLEET_KEY: this.siteKey }
    })
  }

  /** Stops all agents and forgets what they had. */
  async stopAgents(): Promise<void> {
    await Promise.all(this.pcs.map(async ({ agent }) => agent?.stop()))
    for (const pc of this.pcs) pc.agent = null
  }

  async close(): Promise<void> {
    await this.lab.close()
  }

  async #runHub(pc: LabPc, settings: readonly string[]): Promise<void> {
    const all = ['hub.serve=true', 'integration.enabled=false', ...settings].flatMap((one) => ['--set', one])
    pc.agent = await this.run(pc.host, process.execPath, [
      cliFile,
      'agent',
      ...['--data-dir', pc.dir, '--name', pc.name, '--no-beacon', '--log-level', 'warn', '--json'],
      ...all
    ])
  }

  async #call(pc: LabPc, what: string): Promise<unknown> {
    const token = readFileSync(path.join(pc.dir, 'api-token'), 'utf8').trim()
    const { apiPort } = pc.agent!.ready as { apiPort: number }
    const text = await pc.host.run(
      'curl',
      ...['-sS', '-m', '20', '-H', `Authorization: Bearer ${token}`, `http://127.0.0.1:${apiPort}/v1/${what}`]
    )
    return JSON.parse(text)
  }

  async #build(): Promise<void> {
    for (const subnet of this.subnets) {
      await this.lab.addSwitch(`lan${subnet}`, `10.77.${subnet}.1/24`)
      for (let i = 1; i <= this.#o.pcs; i++) await this.#addPc(`s${subnet}-pc${i}`, subnet, 10 + i)
    }
    const nets = ['192.0.2.0/24', ...this.subnets.map((subnet) => `10.77.${subnet}.0/24`)]
    for (const from of nets)
      for (const to of nets)
        if (from !== to) await this.lab.onRouter('iptables', '-w', '-A', 'FORWARD', '-s', from, '-d', to)
    await this.#serve()
  }

  async #addPc(name: string, subnet: number, last: number): Promise<LabPc> {
    const host = await this.lab.addHost(name)
    const address = `10.77.${subnet}.${last}`
    await host.plug('eth0', `lan${subnet}`, `${address}/24`, `10.77.${subnet}.1`)
    const pc = { name, subnet, address, host, dir: this.scope.folder(name), agent: null }
    if (/-pc\d+$/.test(name)) this.pcs.push(pc)
    return pc
  }

  async #serve(): Promise<void> {
    const dir = this.scope.folder('nginx')
    mkdirSync(path.join(dir, 'tmp'))
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${dir}/tmp/${name};`)
      .join(' ')
    const format = `log_format own escape=json '{"at":$msec,"took":$request_time,"from":"$remote_addr","method":"$request_method","uri":"$uri","status":$status,"bytes":$body_bytes_sent}';`
    writeFileSync(
      path.join(dir, 'nginx.conf'),
      `user root; daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn; events {} http { ${temp} ${format} access_log ${dir}/access.log own; sendfile on; keepalive_requests 100000; server { listen 80; root ${this.www}; } }`
    )
    this.#logFile = path.join(dir, 'access.log')
    await this.run(this.#originHost, 'nginx', ['-c', path.join(dir, 'nginx.conf'), '-p', dir, '-e', 'stderr'], false)
    const until = performance.now() + START_MS
    while (!existsSync(path.join(dir, 'nginx.pid'))) {
      if (performance.now() > until) throw new Error('nginx did not start')
      await sleep(20)
    }
  }

  #logFile = ''

  #log(): { at: number; took: number; from: string; method: string; uri: string; status: number; bytes: number }[] {
    if (!existsSync(this.#logFile)) return []
    return readFileSync(this.#logFile, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }
}
