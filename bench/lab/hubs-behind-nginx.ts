import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProgram } from '../run-scope.ts'
import type { LabPc, SubnetLab } from './subnet-lab.ts'

const PREFIX = '/Background/larder/'

/** Two hubs with one store behind nginx, under a path. */
export interface HubsBehindNginx {
  readonly url: string
  killHub(index: number): Promise<void>
  restartHub(index: number): Promise<void>
  /** Lets the PCs come to both hubs again. */
  spread(): Promise<void>
  killStore(): Promise<void>
  /** It is empty. */
  startStore(): Promise<void>
  signalStore(signal: NodeJS.Signals): void
  untilStore(state: 'connected' | 'lost'): Promise<void>
}

export async function withTwoHubs(lab: SubnetLab): Promise<HubsBehindNginx> {
  const front = await lab.lab.addHost('front')
  const address = '10.77.1.240'
  await front.plug('eth0', 'lan1', `${address}/24`, '10.77.1.1')
  const dir = lab.scope.folder('front')
  let store: RunningProgram
  const startStore = async () => {
    const args = ['--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--appendonly', 'no', '--dir', dir]
    store = await lab.run(front, 'redis-server', args, false)
    await sleep(500)
  }
  await startStore()
  const settings = [
    `hub.store="redis://${address}:6379/0"`,
    'hub.listen="0.0.0.0:4728"',
    `hub.trustedProxies=["${address}/32"]`
  ]
  const hubs: LabPc[] = [await lab.startHub(1, 'hub1', settings), await lab.startHub(2, 'hub2', settings)]
  mkdirSync(path.join(dir, 'tmp'))
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((n) => `${n}_temp_path ${dir}/tmp/${n};`)
    .join(' ')
  const upstream = hubs.map((hub) => `server ${hub.address}:4728 max_fails=1 fail_timeout=2s;`).join(' ')
  writeFileSync(
    path.join(dir, 'nginx.conf'),
    `user root; daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn; events {} http { ${temp} access_log off;
      map $http_upgrade $connection_upgrade { default upgrade; '' close; }
      upstream hubs { ${upstream} }
      server { listen 8080; location ${PREFIX} { proxy_pass http://hubs/; proxy_http_version 1.1; proxy_connect_timeout 1s;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_read_timeout 60s; } } }`
  )
  const startFront = () =>
    lab.run(front, 'nginx', ['-c', path.join(dir, 'nginx.conf'), '-p', dir, '-e', 'stderr'], false)
  await startFront()
  return {
    url: `http://${address}:8080${PREFIX}`,
    killHub: async (index) => {
      hubs[index]!.agent!.kill()
      await sleep(3000)
    },
    restartHub: (index) => lab.restartHub(hubs[index]!, settings),
    spread: async () => {
      await Promise.all(lab.pcs.filter((_, i) => i % 2 === 0).map((pc) => lab.configure(pc, 'hub.urls', '[]')))
      const urls = JSON.stringify([`http://${address}:8080${PREFIX}`])
      await Promise.all(lab.pcs.filter((_, i) => i % 2 === 0).map((pc) => lab.configure(pc, 'hub.urls', urls)))
      for (const pc of lab.pcs) await lab.until(pc, (s) => s.hub.hubs.some(({ state }) => state === 'connected'))
    },
    killStore: async () => {
      store.kill()
      await sleep(1000)
    },
    startStore,
    signalStore: (signal) => void process.kill(store.pid, signal),
    untilStore: async (state) => {
      for (const hub of hubs) await lab.until(hub, (s) => s.hub.serving?.store === state)
    }
  }
}
