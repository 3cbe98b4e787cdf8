import { INSTALLER_HOME } from '../../updates/installer-folder.ts'
import { WAY_BACK_FILE } from '../../updates/way-back-file.ts'

/** What the service of a Linux system is made of. */
export interface ServiceFacts {
  /** The command and its first arguments, by absolute paths. */
  readonly command: readonly string[]
  /** Account of its own. */
  readonly user: string
}

/** The unit of systemd: the agent of all users, without a window, whoever is logged in. */
export function systemdUnit({ command, user }: ServiceFacts): string {
  return `# The agent of this PC for all its users. Changes: systemctl edit larder
[Unit]
Description=Larder: downloads a file once per site instead of once per PC
Documentation=man:larder(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User=${user}
Group=${user}
# Where users find it; kept over a restart, so that their windows wait for it.
RuntimeDirectory=larder
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=restart
# Users come through to the door and see nothing of what lies beside it.
StateDirectory=larder
StateDirectoryMode=0711
Environment=LARDER_DATA_DIR=/var/lib/larder
EnvironmentFile=-/etc/default/larder
ExecStart=${command.map(quoted).join(' ')} agent --machine $LARDER_ARGS
Restart=on-failure
RestartSec=5
TimeoutStopSec=20
OOMPolicy=stop

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`
}

/** As systemd.service(5) reads a command line: in quotes, with `%` and `$` doubled. */
function quoted(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`
}

/** Wakes the installer when the agent has handed a release over, and at the start of the PC when it has not come to an end with one. */
export const updatePathUnit = `[Unit]
Description=Larder: a verified release is there to be installed
Documentation=man:larder-update(1)

[Path]
PathChanged=/var/lib/larder/update/ready
PathExists=${INSTALLER_HOME}/${WAY_BACK_FILE}

[Install]
WantedBy=multi-user.target
`

/** The installer: root, for as long as it takes; it believes a signature and nothing else of what the agent says. */
export const updateUnit = `[Unit]
Description=Larder: installs a verified release, and goes back when it does not work
Documentation=man:larder-update(1)

[Service]
Type=oneshot
ExecStart=/usr/bin/larder update apply
# Each of its commands has a time limit; the way back is tried until it is done.
TimeoutStartSec=infinity
StateDirectory=larder-update
StateDirectoryMode=0755
PrivateTmp=yes
ProtectHome=yes
ProtectClock=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
RestrictRealtime=yes
LockPersonality=yes
UMask=0022
`
