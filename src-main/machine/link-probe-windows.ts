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

/** One process for everything: starting PowerShell is what costs. */
const QUESTION = `
$ErrorActionPreference = 'SilentlyContinue'
$ProgressPreference = 'SilentlyContinue'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$adapters = @(Get-NetAdapter | Select-Object -First 256 -Property Name, InterfaceDescription, InterfaceType)
$vpns = @((Get-VpnConnection), (Get-VpnConnection -AllUserConnection) | ForEach-Object { $_ } | Where-Object ConnectionStatus -eq 'Connected' | ForEach-Object Name)
$route = Get-NetRoute -DestinationPrefix '0.0.0.0/0', '::/0' | Sort-Object { $_.RouteMetric + $_.InterfaceMetric } | Select-Object -First 1 -ExpandProperty InterfaceAlias
$cost = [Windows.Networking.Connectivity.NetworkInformation, Windows, ContentType = WindowsRuntime]::GetInternetConnectionProfile().GetConnectionCost().NetworkCostType
ConvertTo-Json -Compress -Depth 3 @{ adapters = $adapters; vpns = $vpns; route = "$route"; cost = "$cost" }
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
  route: z.string().max(256),
  /** `NetworkCostType` of the connection that leads to the internet. */
  cost: z.string().max(32)
})

/** Asks Windows about its adapters, connected VPNs, the default route and what it costs. */
export function windowsLinkProbe(run: RunProgram = runQuietly): LinkProbe {
  return {
    async read() {
      const encoded = Buffer.from(QUESTION, 'utf16le').toString('base64')
      return parseWindowsLinks(
        (await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-EncodedCommand', encoded])) ?? ''
      )
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
  const { adapters, vpns, route, cost } = answer.data
  const defaultName = route || null
  const costly = cost === 'Fixed' || cost === 'Variable' ? true : cost === 'Unrestricted' ? false : null
  const byName = new Map<string, LinkFacts>()
  for (const { Name, InterfaceDescription, InterfaceType } of adapters) {
    const described = kindByName(InterfaceDescription ?? '')
    const kind = described === 'unknown' ? (KIND_OF_TYPE[InterfaceType ?? -1] ?? 'unknown') : described
    byName.set(Name, { kind, metered: Name === defaultName ? costly : null })
  }
  for (const name of vpns) byName.set(name, { kind: 'vpn', metered: null })
  return { byName, defaultName }
}
