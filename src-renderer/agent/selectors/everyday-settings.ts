import type { SettingView } from '../../../src-main/contract/commands.ts'

/** What people change first is at the top: this many settings. */
const SHOWN = 10

interface EverydaySetting {
  readonly name: string
  readonly label: string
  /** What it does, in plain words. */
  readonly about: string
}

/** What people change first, in this order. The last ones stand in where an agent has no tray application. */
export const everydaySettings: readonly EverydaySetting[] = [
  {
    name: 'cache.maxBytes',
    label: 'Cache size',
    about: 'Disk space that downloads kept on this PC may use. Empty: a tenth of the disk, at most 50 GiB.'
  },
  {
    name: 'rates.wanForeground',
    label: 'Download limit',
    about: 'How fast this PC downloads from the internet while somebody is waiting.'
  },
  {
    name: 'rates.wanBackground',
    label: 'Background download limit',
    about: 'How fast it downloads from the internet when nobody is waiting.'
  },
  {
    name: 'rates.upload',
    label: 'Upload limit',
    about: 'How fast this PC sends to other PCs.'
  },
  {
    name: 'hub.site',
    label: 'Site name',
    about: 'The site this PC is at. Only needed if a hub cannot tell from its address.'
  },
  {
    name: 'origin.proxy',
    label: 'Proxy',
    about: 'Proxy for downloads from the internet, such as http://proxy.example:3128. Empty: what the system uses.'
  },
  {
    name: 'app.notifications',
    label: 'Notifications',
    about: 'Show a notification when a download fails or has to fall back to the origin.'
  },
  {
    name: 'app.pauseOnBattery',
    label: 'Pause on battery',
    about: 'Pause all downloads and uploads while this PC runs on battery.'
  },
  {
    name: 'app.openAtLogin',
    label: 'Start at sign-in',
    about: 'Start Larder in the tray when you sign in.'
  },
  {
    name: 'rates.schedule',
    label: 'Schedule',
    about: 'Different limits at certain hours of the week, in local time.'
  },
  {
    name: 'cache.minFreeBytes',
    label: 'Keep free on the disk',
    about: 'Disk space that the cache always leaves to other programs.'
  },
  {
    name: 'discovery.allowMetered',
    label: 'Metered connections',
    about: 'Exchange downloads with other PCs over metered connections too, such as mobile networks.'
  },
  {
    name: 'log.level',
    label: 'Log level',
    about: 'How much Larder writes to its log: “debug” and “trace” help to track down a problem.'
  }
]

/** The settings for the top of the page: the first ones of the list that this agent has. */
export function firstSettings(settings: readonly SettingView[]): readonly SettingView[] {
  return everydaySettings.flatMap(({ name }) => settings.find((one) => one.name === name) ?? []).slice(0, SHOWN)
}
