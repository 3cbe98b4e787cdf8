/** What is searched for, in the words people have for it, and the settings (`cache.maxBytes`) or sections (`rates.`) that are meant. */
const meanings: readonly (readonly [words: string, settings: readonly string[]])[] = [
  ['bandwidth speed limit throttle throttling cap slow fast rate mbit qos', ['rates.']],
  ['download downloads internet wan line', ['rates.wan', 'transfers.originConcurrency']],
  ['upload uploads serve sending', ['rates.upload', 'rates.monthlyUploadBytes', 'transfers.uploadSlots']],
  [
    'schedule hours night weekend weekday working office time timetable calendar',
    ['rates.schedule', 'precache.days', 'precache.from', 'precache.to']
  ],
  ['disk drive space storage quota size full memory', ['cache.', 'integration.retainedMaxBytes']],
  ['folder directory path location', ['cache.dir']],
  ['delete clean cleanup expire expiry retention age', ['cache.max', 'precache.pinDays']],
  ['proxy firewall', ['origin.proxy', 'hub.listen', 'hub.trustedProxies', 'ports.', 'discovery.listenAddress']],
  ['port ports firewall', ['ports.', 'hub.listen', 'hub.monitorListen']],
  [
    'password secret key credential credentials token login',
    ['fleet.', 'origin.proxy', 'hub.monitorToken', 'hub.store', 'metrics.requireToken']
  ],
  [
    'certificate certificates tls ssl https ca pem pfx',
    ['origin.extraCaFile', 'origin.client', 'hub.monitorCert', 'hub.monitorKey', 'sharing.clientCertificates']
  ],
  ['site office branch location building', ['hub.site', 'hub.urls', 'hub.discover', 'fleet.siteKey']],
  ['peer peers neighbour neighbor lan colleague p2p', ['discovery.', 'rates.lan', 'rates.upload', 'sharing.']],
  ['subnet subnets network vlan', ['discovery.', 'hub.']],
  ['vpn metered mobile roaming hotspot cellular', ['discovery.allow']],
  ['multicast broadcast', ['discovery.']],
  [
    'battery power laptop mains energy',
    ['app.pauseOnBattery', 'election.minBatteryPercent', 'precache.onlyOnMains', 'election.weight']
  ],
  ['notification notifications notify popup toast message alert', ['app.notifications']],
  ['startup start boot login logon autostart signin', ['app.openAtLogin']],
  ['timeout wait patience delay retry', ['transfers.', 'origin.connect', 'origin.response', 'hub.answerMs']],
  ['parallel concurrent concurrency simultaneous', ['transfers.', 'precache.atOnce']],
  ['update updates upgrade version release', ['updates.']],
  ['log logging debug trace verbose diagnostics', ['log.']],
  ['off disable enable switch', ['integration.enabled', 'gateway.enabled', 'updates.enabled', 'ui.browser']],
  ['apt pip docker curl tools localhost', ['gateway.']],
  ['browser web window page', ['ui.']],
  ['prometheus grafana monitoring statistics', ['metrics.', 'hub.monitor']],
  ['admin administrator group rights permission', ['machine.']],
  ['preload prefetch prefetching precaching warm', ['precache.']],
  ['master leader election priority weight', ['election.']],
  ['block ban recall malware', ['sharing.recalls', 'discovery.inhibitedSubnets']]
]

/** Shorter beginnings of a word mean too much. */
const SHORTEST = 3

/** What is looked through beside the meanings of the words. */
interface Searched {
  readonly name: string
  readonly description: string
  /** What people read in its place. */
  readonly label?: string
}

/** Whether a setting is what somebody searches for: each word in its name, label or description, or meaning it. `cache.` is a section. */
export function isSettingFound({ name, description, label = '' }: Searched, search: string): boolean {
  const wanted = search.trim().toLowerCase()
  if (wanted.endsWith('.')) return name.toLowerCase().startsWith(wanted)
  const text = `${name} ${description} ${label}`.toLowerCase()
  return text.includes(wanted) || wanted.split(/\s+/).every((word) => text.includes(word) || isMeant(name, word))
}

function isMeant(name: string, word: string): boolean {
  if (word.length < SHORTEST) return false
  return meanings.some(
    ([words, settings]) =>
      settings.some((one) => name.startsWith(one)) && words.split(' ').some((known) => known.startsWith(word))
  )
}

/** Every setting or section the meanings name, for the test that they exist. */
export const meantSettings: readonly string[] = meanings.flatMap(([, settings]) => settings)
