import { adml, admx } from './admx.ts'
import { jamfSchema, mobileconfig } from './profile.ts'

/** What consoles of administrators are fed with, made from the settings: name below `packaging/policy/` → text. */
export function policyTemplates(): ReadonlyMap<string, string> {
  return new Map([
    ['windows/larder.admx', admx()],
    ['windows/en-US/larder.adml', adml()],
    ['macos/larder.mobileconfig', mobileconfig()],
    ['macos/larder.jamf.json', jamfSchema()]
  ])
}
