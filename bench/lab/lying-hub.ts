import path from 'node:path'
import { writeFileSync } from 'node:fs'
import type { SubnetLab } from './subnet-lab.ts'

/** What a hub says instead of the truth. */
export type HubLie =
  | 'dead-holders'
  | 'loopback'
  | 'origin'
  | 'router-ssh'
  | 'outside'
  | 'foreign-signature'
  | 'silence'
  | 'crowns-all'

/** A hub in a subnet of its own that lies as it is told. */
export async function startLyingHub(
  lab: SubnetLab
): Promise<{ readonly address: string; lie(lie: HubLie): Promise<void> }> {
  const host = await lab.lab.addHost('liar')
  const address = '10.77.1.250'
  await host.plug('eth0', 'lan1', `${address}/24`, '10.77.1.1')
  const dir = lab.scope.folder('liar')
  const file = path.join(dir, 'lie')
  writeFileSync(file, 'silence')
  const main = path.join(import.meta.dirname, 'lying-hub-main.ts')
  await lab.run(host, process.execPath, [
    '--disable-warning=ExperimentalWarning',
    main,
    dir,
    file,
    lab.siteKey,
    lab.origin
  ])
  return {
    address,
    lie: async (lie) => writeFileSync(file, lie)
  }
}
