import type { SettingView } from '../../../src-main/contract/commands.ts'
import { everydaySettings } from './everyday-settings.ts'

/** The editor shows the unit. */
const UNIT_IN_WORDS = /, (bytes per second|ms|seconds|minutes|hours|percent|%)(?=[;.]|$)/g

/** What a setting does, for people: they see an empty field where programs see `null`, and quotes where those see code. */
export function describe({ name, description }: Pick<SettingView, 'name' | 'description'>): string {
  const plain = everydaySettings.find((one) => one.name === name)?.about ?? description.replace(UNIT_IN_WORDS, '')
  // An example in JSON is of no use beside fields.
  return plain
    .replace(/, \[\{.*?\}\]/g, '')
    .replace(/\bnull:/g, 'empty:')
    .replace(/`([^`]*)`/g, '“$1”')
}

/** What stands in an empty field: what it means that nothing is set, as far as the description tells (`null: no limit`). */
export function placeholderOf({
  description,
  secret,
  isSet,
  value
}: Pick<SettingView, 'description' | 'secret' | 'isSet' | 'value'>): string | undefined {
  if (secret && isSet) return 'Set; not shown'
  if (!secret && value !== null) return undefined
  const meaning = /\bnull: ([^;.(]+)/.exec(description)?.[1]?.replaceAll('`', '').trim() ?? 'not set'
  return meaning.charAt(0).toUpperCase() + meaning.slice(1)
}

export const sourceLabels: Record<SettingView['source'], string> = {
  default: 'Default',
  file: 'Set on this PC',
  policy: 'Policy file',
  'command-line': 'Command line',
  'this-run': 'Until restart'
}

/** Why a setting cannot be changed here; null when it can. */
export function lockSentence({ managed, source }: Pick<SettingView, 'managed' | 'source'>): string | null {
  if (!managed) return null
  return source === 'command-line'
    ? 'Set on the command line for this run; it cannot be changed here.'
    : 'Managed by your administrator’s policy file; it cannot be changed here.'
}

export const sectionTitles: Record<string, string> = {
  app: 'Application',
  integration: 'Programs on this PC',
  fleet: 'Fleet',
  discovery: 'Finding peers',
  election: 'Election',
  hub: 'Sharing between subnets',
  transfers: 'Transfers',
  origin: 'Origin and proxy',
  backgroundChannel: 'Background channel',
  cache: 'Cache',
  machine: 'One agent for all users',
  updates: 'Updates of Larder',
  sharing: 'Sharing',
  rates: 'Speed limits',
  precache: 'Pre-caching',
  gateway: 'Gateway for download tools',
  ports: 'Ports',
  ui: 'Window in the browser',
  metrics: 'Metrics',
  log: 'Log'
}

const labels: Readonly<Record<string, string>> = {
  'integration.enabled': 'Integration',
  'integration.defaultStaggerRangeSeconds': 'Longest random wait',
  'integration.retainedMaxBytes': 'Keep from direct downloads',
  'integration.scriptMemoryCacheSeconds': 'Keep scripts in memory for',
  'integration.scriptMemoryCacheBytes': 'Memory for scripts',
  'fleet.siteKey': 'Site key',
  'fleet.otherSiteKey': 'Second site key',
  'fleet.siteKeyFile': 'Site key file',
  'ports.api': 'Local API port',
  'ports.peer': 'Peer port',
  'ports.beacon': 'Beacon port',
  'ports.gateway': 'Gateway port',
  'hub.deposit': 'Deposit',
  'hub.depositMaxBytes': 'Size of the deposit',
  'hub.depositHours': 'Keep in the deposit for',
  'discovery.multicastGroup6': 'Multicast group (IPv6)',
  'discovery.allowVpn': 'Peers over VPN',
  'discovery.seeds': 'Seeds',
  'election.weight': 'Weight of this PC',
  'election.minBatteryPercent': 'Lowest battery charge',
  'election.windowMs': 'Wait for claims',
  'election.settleMs': 'Wait after start',
  'election.leaseMs': 'Lease',
  'transfers.originConcurrency': 'Simultaneous downloads',
  'transfers.firstByteMs': 'Wait for the first byte',
  'transfers.stallMs': 'Wait when stalled',
  'transfers.timeoutMs': 'Time limit for a request',
  'transfers.holdMs': 'Remember finished transfers for',
  'origin.checksumHosts': 'Hosts that publish checksums',
  'origin.extraCaFile': 'Extra root CAs',
  'origin.ignoredQuery': 'Ignored query parameters',
  'origin.connectTimeoutMs': 'Connection timeout',
  'origin.responseTimeoutMs': 'Response timeout',
  'sharing.withoutDigest': 'Contents without a digest',
  'sharing.sampleShare': 'Sample, as a share',
  'sharing.sampleBytes': 'Sample size',
  'sharing.signedUrls': 'Hosts with signed URLs',
  'sharing.clientCertificates': 'Hosts with client certificates',
  'sharing.cookies': 'Hosts that set cookies',
  'backgroundChannel.url': 'Background channel URL',
  'cache.dir': 'Cache folder',
  'cache.maxDiskPercent': 'Cache size as a share of the disk',
  'cache.maxAgeDays': 'Remove when unused for',
  'ui.browser': 'Window in the browser',
  'gateway.enabled': 'Gateway',
  'gateway.hosts': 'Allowed hosts',
  'metrics.requireToken': 'Ask for a token',
  'rates.wanSite': 'At a hub: limit for each site',
  'rates.lanForeground': 'Limit from other PCs',
  'rates.lanBackground': 'Background limit from other PCs',
  'rates.adaptive': 'Give way to other traffic',
  'rates.adaptiveTargetMs': 'Delay it may cause',
  'rates.adaptiveFloor': 'Never slower than',
  'rates.adaptiveCeilingBytes': 'Most on the way',
  'rates.monthlyUploadBytes': 'Monthly upload limit',
  'hub.urls': 'Hubs',
  'hub.discover': 'Look for hubs',
  'hub.serve': 'This PC is a hub',
  'hub.listen': 'Listen for a reverse proxy at',
  'hub.monitorListen': 'Monitoring address',
  'hub.monitorToken': 'Monitoring token',
  'hub.monitorCertFile': 'Monitoring certificate file',
  'hub.monitorKeyFile': 'Monitoring key file',
  'hub.sites': 'Sites and their subnets',
  'hub.reach': 'Reachable subnets',
  'hub.minBytes': 'Ask the hub only for contents of at least',
  'hub.answerMs': 'Wait for a hub’s answer',
  'hub.connectMs': 'Wait for a connection',
  'hub.firstByteMs': 'Wait for the first byte',
  'hub.stallMs': 'Wait when stalled',
  'hub.maxConnections': 'Most connections',
  'hub.maxContents': 'Most contents remembered',
  'precache.list': 'List',
  'precache.days': 'Days',
  'precache.from': 'From',
  'precache.to': 'Until',
  'precache.jitterMinutes': 'Longest random wait',
  'precache.onlyOnMains': 'Only on mains power',
  'precache.pinDays': 'Pin what it gets for',
  'precache.atOnce': 'Simultaneous downloads',
  'machine.adminGroup': 'Administrators’ group',
  'updates.enabled': 'Update automatically',
  'updates.manifestUrl': 'Manifest URL',
  'updates.everyHours': 'Look for updates every',
  'updates.delayHours': 'Wait before installing',
  'updates.spreadHours': 'Further random wait'
}

/** `transfers.uploadSlots` → `Upload slots`. */
export function settingLabel(name: string): string {
  const known = everydaySettings.find((one) => one.name === name)?.label ?? labels[name]
  if (known !== undefined) return known
  const words = name
    .split('.')
    .at(-1)!
    .replace(/(Ms|Bytes|Seconds|Minutes|Hours|Days|Percent)$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
