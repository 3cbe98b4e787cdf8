import { describe, expect, test } from 'vitest'
import { checkFirewall } from './firewall.ts'
import type { Run } from './probes.ts'

const ports = { peer: 4726, beacon: 4727 }
/** Answers of commands by their beginning; what is not named cannot be run. */
const answers =
  (table: Record<string, [code: number, stdout?: string]>): Run =>
  async (file, args) => {
    const line = [file, ...args].join(' ')
    const found = Object.entries(table).find(([start]) => line.startsWith(start))
    return found ? { code: found[1][0], stdout: found[1][1] ?? '' } : null
  }
const check = (platform: NodeJS.Platform, table: Record<string, [number, string?]>) =>
  checkFirewall(platform, ports, answers(table))

const ufw = (lines: string) =>
  `Status: active\n\nTo                         Action      From\n--                         ------      ----\n${lines}`
const nft = (policy: string, rules: string) =>
  `table inet filter {\n chain input {\n  type filter hook input priority filter; policy ${policy};\n  ${rules}\n }\n}`

describe('the firewall', () => {
  test.each([
    ['Windows with both rules', 'win32', { netsh: [0] }, 'ok'],
    [
      'Windows without them',
      'win32',
      { 'netsh advfirewall firewall show rule name=Larder peers': [0], netsh: [1] },
      'warn'
    ],
    ['Windows without netsh', 'win32', {}, 'skipped'],
    ['macOS, off', 'darwin', { '/usr/libexec': [0, 'Firewall is disabled. (State = 0)'] }, 'ok'],
    ['macOS, on', 'darwin', { '/usr/libexec': [0, 'Firewall is enabled. (State = 1)'] }, 'note'],
    ['macOS, all blocked', 'darwin', { '/usr/libexec': [0, 'Firewall is blocking all. (State = 2)'] }, 'fail'],
    ['firewalld, open', 'linux', { 'firewall-cmd': [0] }, 'ok'],
    [
      'firewalld, one closed',
      'linux',
      { 'firewall-cmd --state': [0], 'firewall-cmd --query-port=4726/tcp': [0], 'firewall-cmd': [1] },
      'fail'
    ],
    [
      'ufw, open',
      'linux',
      {
        'ufw status': [
          0,
          ufw('4726/tcp                   ALLOW       Anywhere\n4727/udp                   ALLOW       192.168.0.0/16')
        ]
      },
      'ok'
    ],
    [
      'ufw, open for both protocols',
      'linux',
      {
        'ufw status': [
          0,
          ufw('4726                       ALLOW       Anywhere\n4727                       ALLOW       Anywhere')
        ]
      },
      'ok'
    ],
    ['ufw, no rule', 'linux', { 'ufw status': [0, ufw('22/tcp                     ALLOW       Anywhere')] }, 'fail'],
    [
      'ufw, denied',
      'linux',
      {
        'ufw status': [
          0,
          ufw('4726/tcp                   DENY        Anywhere\n4727/udp                   ALLOW       Anywhere')
        ]
      },
      'fail'
    ],
    [
      'nftables that lets all in',
      'linux',
      { 'ufw status': [0, 'Status: inactive'], 'nft list ruleset': [0, nft('accept', '')] },
      'ok'
    ],
    ['nftables that drops', 'linux', { 'nft list ruleset': [0, nft('drop', 'tcp dport 22 accept')] }, 'warn'],
    [
      'nftables with rules',
      'linux',
      { 'nft list ruleset': [0, nft('drop', 'tcp dport { 22, 4726 } accept\n  udp dport 4727 accept')] },
      'ok'
    ],
    ['nobody may ask', 'linux', { 'ufw status': [1], 'nft list ruleset': [1] }, 'skipped'],
    ['no firewall', 'linux', {}, 'ok'],
    ['another system', 'freebsd', {}, 'skipped']
  ] as [string, NodeJS.Platform, Record<string, [number, string?]>, string][])(
    '%s',
    async (_title, platform, table, verdict) => {
      const result = await check(platform, table)
      expect(result.verdict).toBe(verdict)
      if (verdict !== 'ok') expect(result.next).toMatch(/4726|socketfilterfw/)
      expect(result.tried).toMatch(/\w/)
    }
  )
})
