import type { Check } from '../../contract/doctor.ts'
import { firewallRules, windowsRuleNames, type OpenPorts } from './firewall-rules.ts'
import type { Run } from './probes.ts'

const TITLE = 'Firewall'

/** Finds out whether a firewall of this PC keeps peers out. Asks only; nothing is changed. */
export async function checkFirewall(platform: NodeJS.Platform, ports: OpenPorts, run: Run): Promise<Check> {
  if (platform === 'win32') return checkWindows(ports, run)
  if (platform === 'darwin') return checkMac(ports, run)
  if (platform === 'linux') return checkLinux(ports, run)
  return {
    id: 'firewall',
    title: TITLE,
    tried: `Nothing: the firewalls of ${platform} are not known.`,
    seen: 'Nothing.',
    verdict: 'skipped',
    next: open(ports)
  }
}

async function checkWindows(ports: OpenPorts, run: Run): Promise<Check> {
  const missing: string[] = []
  for (const name of Object.values(windowsRuleNames)) {
    const answer = await run('netsh', ['advfirewall', 'firewall', 'show', 'rule', `name=${name}`])
    if (answer === null)
      return {
        id: 'firewall',
        title: TITLE,
        tried: 'netsh advfirewall firewall show rule',
        seen: 'It could not be run.',
        verdict: 'skipped',
        next: commandsOf('Windows Firewall', ports)
      }
    // Its words are in the language of the system; its exit code is not.
    if (answer.code !== 0) missing.push(name)
  }
  const tried = `Looked for the rules ${Object.values(windowsRuleNames)
    .map((name) => `“${name}”`)
    .join(' and ')} in Windows Firewall.`
  if (missing.length === 0)
    return { id: 'firewall', title: TITLE, tried, seen: 'Both are there.', verdict: 'ok', next: null }
  return {
    id: 'firewall',
    title: TITLE,
    tried,
    seen: `Missing: ${missing.join(', ')}. Peers may still be let in by another rule or by policy.`,
    verdict: 'warn',
    next: commandsOf('Windows Firewall', ports)
  }
}

async function checkMac(ports: OpenPorts, run: Run): Promise<Check> {
  const answer = await run('/usr/libexec/ApplicationFirewall/socketfilterfw', ['--getglobalstate'])
  const tried = 'socketfilterfw --getglobalstate'
  if (answer?.code !== 0)
    return {
      id: 'firewall',
      title: TITLE,
      tried,
      seen: 'It could not be run.',
      verdict: 'skipped',
      next: commandsOf('macOS application firewall', ports)
    }
  const state = /State = (\d)/.exec(answer.stdout)?.[1]
  if (state === '0')
    return { id: 'firewall', title: TITLE, tried, seen: 'The application firewall is off.', verdict: 'ok', next: null }
  if (state === '2')
    return {
      id: 'firewall',
      title: TITLE,
      tried,
      seen: 'The application firewall blocks all incoming connections.',
      verdict: 'fail',
      next: commandsOf('macOS application firewall', ports)
    }
  return {
    id: 'firewall',
    title: TITLE,
    tried,
    seen: 'The application firewall is on; Larder has to be among the programs it lets in.',
    verdict: 'note',
    next: commandsOf('macOS application firewall', ports)
  }
}

async function checkLinux(ports: OpenPorts, run: Run): Promise<Check> {
  const tried: string[] = []
  const found = (seen: string, verdict: Check['verdict'], next: string | null): Check => ({
    id: 'firewall',
    title: TITLE,
    tried: tried.join('; '),
    seen,
    verdict,
    next
  })

  tried.push('firewall-cmd')
  if ((await run('firewall-cmd', ['--state']))?.code === 0) {
    const closed: string[] = []
    for (const port of [`${ports.peer}/tcp`, `${ports.beacon}/udp`])
      if ((await run('firewall-cmd', [`--query-port=${port}`]))?.code === 1) closed.push(port)
    return closed.length === 0
      ? found('firewalld runs and has the ports open.', 'ok', null)
      : found(`firewalld runs and has ${closed.join(' and ')} closed.`, 'fail', commandsOf('firewalld', ports))
  }

  tried.push('ufw status')
  const ufw = await run('ufw', ['status'])
  if (ufw?.code === 0 && /^Status: active/m.test(ufw.stdout)) {
    const closed = [`${ports.peer}/tcp`, `${ports.beacon}/udp`].filter((port) => !isOpenInUfw(ufw.stdout, port))
    return closed.length === 0
      ? found('ufw is active and has the ports open.', 'ok', null)
      : found(`ufw is active and has no rule for ${closed.join(' and ')}.`, 'fail', commandsOf('ufw', ports))
  }

  tried.push('nft list ruleset')
  const nft = await run('nft', ['list', 'ruleset'])
  if (nft?.code === 0) {
    if (!dropsInput(nft.stdout)) return found('No chain of nftables drops incoming traffic by default.', 'ok', null)
    const closed = [ports.peer, ports.beacon].filter(
      (port) => !new RegExp(`dport (\\{[^}]*\\b)?${port}\\b`).test(nft.stdout)
    )
    return closed.length === 0
      ? found('nftables drops incoming traffic by default and has rules for the ports.', 'ok', null)
      : found(
          'nftables drops incoming traffic by default and has no rule for the ports.',
          'warn',
          commandsOf('nftables', ports)
        )
  }
  const blind = [ufw, nft].some((answer) => answer !== null)
  return found(
    blind ? 'Only the administrator may ask the firewall of this PC.' : 'No firewall that is known was found.',
    blind ? 'skipped' : 'ok',
    blind ? `Run \`sudo larder doctor --data-dir …\`, or: ${open(ports)}` : null
  )
}

function isOpenInUfw(status: string, port: string): boolean {
  const number = port.slice(0, port.indexOf('/'))
  return status
    .split('\n')
    .some((line) => (line.startsWith(`${port} `) || line.startsWith(`${number} `)) && /\bALLOW\b/.test(line))
}

function dropsInput(ruleset: string): boolean {
  return /hook input [^;]*;\s*policy drop/.test(ruleset)
}

function commandsOf(firewall: string, ports: OpenPorts): string {
  return firewallRules(ports)
    .find((rules) => rules.firewall === firewall)!
    .commands.join('\n')
}

const open = ({ peer, beacon }: OpenPorts): string =>
  `Let TCP ${peer} and UDP ${beacon} in from the local network; docs/ports.md has the commands.`
