// Why it is like this: docs/decisions/0017-the-browser-is-given-a-file-not-the-link.md
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import open from 'open'
import { connect } from '../client/connection.ts'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import { writePrivateFile } from '../lib/private-file.ts'
import type { Output } from './output.ts'
import type { AgentCommandOptions } from './show.ts'

/** In the data folder; leads to the window and then is worthless. */
const DOOR_FILE = 'open-window.html'

type Environment = Readonly<Record<string, string | undefined>>

export interface OpenUiOptions extends AgentCommandOptions {
  /** Show the link instead of starting a browser. */
  readonly print?: boolean
}

/** Starts what the desktop opens a URL with. Rejects when there is nothing. */
export type OpenInBrowser = (url: string) => Promise<unknown>

/** Opens the window of the agent in a browser, or says how. */
export async function openUi(
  options: OpenUiOptions,
  output: Output,
  openInBrowser: OpenInBrowser = open,
  env: Environment = process.env
): Promise<void> {
  const { url, validMs } = await (await connect(options)).uiLink()
  const reason = options.print === true ? 'asked' : whyNoBrowser(process.platform, env)
  if (reason === null && (await startBrowser(url, options.dataDir ?? defaultDataDir(), openInBrowser))) {
    output.result({ opened: true }, () => 'The window opens in your browser. If it does not: larder ui --print')
    return
  }
  output.result({ opened: false, url, validMs }, () => url)
  output.note(
    `Open this link in a browser of this PC within ${validMs / 60_000} minutes. It works once, and lets anyone who has it open the window.`
  )
  if (reason === 'ssh')
    output.note(`From another PC: ssh -L ${new URL(url).port}:127.0.0.1:${new URL(url).port} …, then open it there.`)
}

/** Why there is no browser to be started here; null when there may be one. */
export function whyNoBrowser(
  platform: NodeJS.Platform,
  env: Environment
): 'ssh' | 'other-system' | 'no-display' | null {
  const isSet = (name: string): boolean => (env[name] ?? '') !== ''
  if (isSet('SSH_CONNECTION') || isSet('SSH_TTY')) return 'ssh'
  // The browser would be that of Windows, which reads no file of this system.
  if (isSet('WSL_DISTRO_NAME')) return 'other-system'
  const hasDesktop = platform === 'win32' || platform === 'darwin' || isSet('DISPLAY') || isSet('WAYLAND_DISPLAY')
  return hasDesktop ? null : 'no-display'
}

/**
 * A command line can be read by every user of the PC, so the browser gets the path of a file that only this user can read, and
 * which leads on to the link. @returns false when no browser could be started
 */
async function startBrowser(url: string, dataDir: string, openInBrowser: OpenInBrowser): Promise<boolean> {
  const door = join(dataPaths(dataDir).root, DOOR_FILE)
  await writePrivateFile(door, doorPage(url))
  try {
    await openInBrowser(pathToFileURL(door).href)
    return true
  } catch {
    return false
  }
}

/** A page that leads to `url` without script, and leaves neither history nor referrer. */
export function doorPage(url: string): string {
  if (!/^http:\/\/127\.0\.0\.1:\d{1,5}\/[\w/#=-]*$/.test(url)) throw new RangeError('Not a link of the window')
  return `<!doctype html>\n<meta charset="utf-8">\n<meta name="referrer" content="no-referrer">\n<meta http-equiv="refresh" content="0;url=${url}">\n<title>Larder</title>\n<p>The window of Larder opens.</p>\n`
}
