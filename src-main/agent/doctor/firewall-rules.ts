/** Ports that peers of the local network must reach. */
export interface OpenPorts {
  /** TCP. */
  readonly peer: number
  /** UDP. */
  readonly beacon: number
}

/** How one firewall is told to let peers in. */
export interface FirewallRules {
  readonly firewall: string
  readonly platform: 'win32' | 'darwin' | 'linux'
  /** To be run as administrator, in order. */
  readonly commands: readonly string[]
}

/** Names of the rules in Windows Firewall; the doctor looks for them. */
export const windowsRuleNames = { peer: 'Larder peers', beacon: 'Larder beacon' } as const

/** Rules for the firewalls of the three systems. Loopback ports need none. */
export function firewallRules({ peer, beacon }: OpenPorts): readonly FirewallRules[] {
  return [
    {
      firewall: 'Windows Firewall',
      platform: 'win32',
      commands: [
        `netsh advfirewall firewall add rule name="${windowsRuleNames.peer}" dir=in action=allow protocol=TCP localport=${peer} remoteip=localsubnet profile=domain,private`,
        `netsh advfirewall firewall add rule name="${windowsRuleNames.beacon}" dir=in action=allow protocol=UDP localport=${beacon} remoteip=localsubnet profile=domain,private`
      ]
    },
    {
      firewall: 'macOS application firewall',
      platform: 'darwin',
      commands: [
        'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --add /Applications/Larder.app',
        'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp /Applications/Larder.app'
      ]
    },
    {
      firewall: 'ufw',
      platform: 'linux',
      commands: [
        `sudo ufw allow ${peer}/tcp comment "Larder peers"`,
        `sudo ufw allow ${beacon}/udp comment "Larder beacon"`
      ]
    },
    {
      firewall: 'firewalld',
      platform: 'linux',
      commands: [
        `sudo firewall-cmd --permanent --add-port=${peer}/tcp`,
        `sudo firewall-cmd --permanent --add-port=${beacon}/udp`,
        'sudo firewall-cmd --reload'
      ]
    },
    {
      firewall: 'nftables',
      platform: 'linux',
      commands: [
        `sudo nft add rule inet filter input tcp dport ${peer} accept`,
        `sudo nft add rule inet filter input udp dport ${beacon} accept`
      ]
    }
  ]
}
