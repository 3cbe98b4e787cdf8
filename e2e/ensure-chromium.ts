import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { findChromium } from './host/browser.ts'

/** Makes sure that there is a Chromium: with the system's packages as root, else Playwright's own. @throws with a plain sentence */
export function ensureChromium(): string {
  const found = findChromium()
  if (found !== null) return found
  console.log('No Chromium on this machine; installing one.')
  const tries = [
    ...(isRootOnLinux()
      ? [() => run('apt-get', ['update']) && run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'])]
      : []),
    () => run(process.execPath, [createRequire(import.meta.url).resolve('@playwright/test/cli'), 'install', 'chromium'])
  ]
  for (const install of tries) {
    const installed = install() ? findChromium() : null
    if (installed !== null) return installed
  }
  throw new Error(
    'The end-to-end tests need Chromium, and it could not be installed. Install it (Debian: apt-get install chromium), or set LARDER_CHROMIUM to its path.'
  )
}

const isRootOnLinux = (): boolean => process.platform === 'linux' && process.getuid?.() === 0

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0
}
