import { win32 } from 'node:path'
import { z } from 'zod'
import { runQuietly, type RunProgram } from './run-quietly.ts'
import { kindByName, type LinkFacts, type LinkKind, type LinkProbe, type Links } from './links.ts'

/** Interface types of the IANA registry (ifType-MIB) that Windows uses for its adapters. */
const KIND_OF_TYPE: Readonly<Record<number, LinkKind>> = {
  6: 'wired',
  71: 'wireless',
  23: 'vpn',
  53: 'vpn',
  131: 'vpn',
  243: 'cellular',
  244: 'cellular'
}

/**
 * One process for everything: starting PowerShell is what costs. Given as plain text, which whoever guards the PC can read, and without double quotes,
 * which a command line would take for its own. In the constrained language mode of managed PCs types cannot be asked: what needs one stays unknown.
 */
const QUESTION = `
$ErrorActionPreference = 'SilentlyContinue'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = [Text.Encoding]::UTF8 } catch { }
$adapters = @(Get-NetAdapter | Select-Object -First 256 -Property Name, InterfaceDescription, InterfaceType)
$vpns = @((Get-VpnConnection), (Get-VpnConnection -AllUserConnection) | ForEach-Object { $_ } | Where-Object ConnectionStatus -eq 'Connected' | ForEach-Object Name)
$routes = @(Get-NetRoute -DestinationPrefix '0.0.0.0/0', '::/0')
$gateways = @($routes | Select-Object -First 16 -ExpandProperty NextHop)
$route = $routes | Sort-Object { $_.RouteMetric + $_.InterfaceMetric } | Select-Object -First 1 -ExpandProperty InterfaceAlias
$cost = 'unknown'
try { $cost = [Windows.Networking.Connectivity.NetworkInformation, Windows, ContentType = WindowsRuntime]::GetInternetConnectionProfile().GetConnectionCost().NetworkCostType } catch { }
ConvertTo-Json -Compress -Depth 3 @{ adapters = $adapters; vpns = $vpns; gateways = $gateways; route = [string]$route; cost = [string]$cost }
`

const Answer = z.object({
  adapters: z
    .array(
      z.object({
        Name: z.string().max(256),
        InterfaceDescription: z.string().max(512).nullish(),
        InterfaceType: z.number().nullish()
      })
    )
    .max(256),
  vpns: z.array(z.string().max(256)).max(64),
  gateways: z.array(z.string().max(64)).max(16).default([]),
  route: z.string().max(256),
  /** `NetworkCostType` of the connection that leads to the internet. */
  cost: z.string().max(32)
})

/** Never whatever is first on PATH. */
const powershell = (): string =>
  win32.join(
    process.env['SystemRoot'] ?? String.raw`C:\Windows`,
    String.raw`System32\WindowsPowerShell\v1.0\powershell.exe`
  )

/** Asks Windows about its adapters, connected VPNs, the default route and what it costs. */
export function windowsLinkProbe(run: RunProgram = runQuietly): LinkProbe {
  return {
    async read() {
      const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', QUESTION]
      return parseWindowsLinks((await run(powershell(), args)) ?? '')
    }
  }
}

/** @returns undefined when it is not what the question asks for */
export function parseWindowsLinks(printed: string): Links | undefined {
  let value: unknown
  try {
    value = JSON.parse(printed.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
  const answer = Answer.safeParse(value)
  if (!answer.success) return undefined
  const { adapters, vpns, route, cost, gateways } = answer.data
  const defaultName = route || null
  const costly = cost === 'Fixed' || cost === 'Variable' ? true : cost === 'Unrestricted' ? false : null
  const byName = new Map<string, LinkFacts>()
  for (const { Name, InterfaceDescription, InterfaceType } of adapters) {
    const described = kindByName(InterfaceDescription ?? '')
    const kind = described === 'unknown' ? (KIND_OF_TYPE[InterfaceType ?? -1] ?? 'unknown') : described
    byName.set(Name, { kind, metered: Name === defaultName ? costly : null })
  }
  for (const name of vpns) byName.set(name, { kind: 'vpn', metered: null })
  const routers = gateways.map((address) => address.replace(/%.*$/, ''))
  return { byName, defaultName, gateways: routers.filter((address) => address !== '0.0.0.0' && address !== '::') }
}
