import { launchDaemon, LAUNCH_DAEMON } from './launch-daemon.ts'
import { systemdUnit } from './systemd-unit.ts'

/** One thing to do, in order. */
export type Step =
  | { readonly do: 'write'; readonly path: string; readonly text: string }
  | { readonly do: 'folder'; readonly path: string; readonly mode: number; readonly owner: string }
  | { readonly do: 'remove'; readonly path: string }
  /** By absolute path. `optional`: it may fail, as for what is not there. */
  | { readonly do: 'run'; readonly command: readonly string[]; readonly optional?: true }

export interface ServicePlan {
  readonly install: readonly Step[]
  readonly uninstall: readonly Step[]
  /** With `--purge`: cache, identity and account too. */
  readonly purge: readonly Step[]
  /** The file whose being there means that it is installed. */
  readonly file: string
  /** Prints the state for a person; exit code 0: it runs. */
  readonly status: readonly string[]
}

const run = (...command: string[]): Step => ({ do: 'run', command })
const tryRun = (...command: string[]): Step => ({ do: 'run', command, optional: true })

/** What makes the service, and takes it away again, on one system; null: not on this system. */
export function servicePlan(platform: NodeJS.Platform, command: readonly string[]): ServicePlan | null {
  if (platform === 'linux') {
    const file = '/etc/systemd/system/larder.service'
    return {
      file,
      install: [
        tryRun(
          '/usr/sbin/useradd',
          '--system',
          '--user-group',
          '--home-dir',
          '/var/lib/larder',
          '--no-create-home',
          '--shell',
          '/usr/sbin/nologin',
          'larder'
        ),
        { do: 'write', path: file, text: systemdUnit({ command, user: 'larder' }) },
        run('/usr/bin/systemctl', 'daemon-reload'),
        run('/usr/bin/systemctl', 'enable', '--now', 'larder.service')
      ],
      uninstall: [
        tryRun('/usr/bin/systemctl', 'disable', '--now', 'larder.service'),
        { do: 'remove', path: file },
        tryRun('/usr/bin/systemctl', 'daemon-reload')
      ],
      purge: [{ do: 'remove', path: '/var/lib/larder' }, tryRun('/usr/sbin/userdel', 'larder')],
      status: ['/usr/bin/systemctl', 'status', '--no-pager', 'larder.service']
    }
  }
  if (platform === 'darwin') {
    const file = `/Library/LaunchDaemons/${LAUNCH_DAEMON}.plist`
    const root = '/Library/Application Support/Larder'
    return {
      file,
      install: [
        tryRun(
          '/usr/sbin/sysadminctl',
          '-addUser',
          '_larder',
          '-home',
          '/var/empty',
          '-shell',
          '/usr/bin/false',
          '-roleAccount'
        ),
        { do: 'folder', path: root, mode: 0o755, owner: 'root' },
        { do: 'folder', path: `${root}/agent`, mode: 0o755, owner: '_larder' },
        { do: 'folder', path: `${root}/data`, mode: 0o711, owner: '_larder' },
        { do: 'write', path: file, text: launchDaemon({ command, user: '_larder' }) },
        run('/bin/launchctl', 'bootstrap', 'system', file)
      ],
      uninstall: [
        tryRun('/bin/launchctl', 'bootout', `system/${LAUNCH_DAEMON}`),
        { do: 'remove', path: file },
        { do: 'remove', path: `${root}/agent` }
      ],
      purge: [{ do: 'remove', path: root }, tryRun('/usr/bin/dscl', '.', '-delete', '/Users/_larder')],
      status: ['/bin/launchctl', 'print', `system/${LAUNCH_DAEMON}`]
    }
  }
  return null
}
