// node e2e/host/surface.ts: lists every member of the stand-in that Electron's own declarations do not know.
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BrowserWindow } from './browser-window.ts'
import {
  app,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  MenuItem,
  nativeImage,
  Notification,
  powerMonitor,
  protocol,
  session,
  shell,
  Tray,
  webContents
} from './electron.ts'
import { WebContents } from './web-contents.ts'

const declarations = readFileSync(createRequire(import.meta.url).resolve('electron/electron.d.ts'), 'utf8')

/** Members of a declared class or interface, and of what it extends. */
function declared(name: string): Set<string> {
  const opening = new RegExp(`\\n  (?:class|interface) ${name}\\b([^{]*)\\{`).exec(declarations)
  if (!opening) throw new Error(`electron.d.ts has no ${name}`)
  const start = opening.index + opening[0].length
  const body = declarations.slice(start, declarations.indexOf('\n  }\n', start))
  const parent = /extends (?:NodeEventEmitter, )?([A-Z]\w+)/.exec(opening[1]!)?.[1]
  const inherited =
    parent !== undefined &&
    parent !== 'NodeEventEmitter' &&
    new RegExp(`\\n  (?:class|interface) ${parent}\\b`).test(declarations)
      ? declared(parent)
      : []
  return new Set([
    ...inherited,
    ...[...body.matchAll(/\n    (?:static |readonly )*(?:get |set )?(\w+)\??[(:<]/g)].map(([, member]) => member!)
  ])
}

/** Members of ours, without private ones (they end in `_`) and what every emitter has. */
function ours(object: object): string[] {
  const found = new Set<string>()
  for (
    let at: object | null = object;
    at !== null &&
    at !== Object.prototype &&
    at !== Function.prototype &&
    at !== EventEmitter.prototype &&
    at !== EventEmitter;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) found.add(name)
  }
  return [...found].filter((name) => !/^_|_$|^(constructor|domain|length|name|prototype)$/.test(name))
}

const pairs: readonly (readonly [string, object])[] = [
  ['App', app],
  ['BrowserWindow', BrowserWindow],
  ['BrowserWindow', BrowserWindow.prototype],
  ['WebContents', WebContents.prototype],
  ['WebContents', webContents],
  ['Tray', Tray.prototype],
  ['Menu', Menu],
  ['Menu', Menu.prototype],
  ['MenuItem', new MenuItem({ label: 'x' })],
  ['Notification', Notification.prototype],
  ['NativeImage', nativeImage.createEmpty()],
  ['Clipboard', clipboard],
  ['Dialog', dialog],
  ['IpcMain', ipcMain],
  ['PowerMonitor', powerMonitor],
  ['Protocol', protocol],
  ['Session', session.defaultSession],
  ['Shell', shell]
]
/** There at run time, not in the declarations. */
const undocumented = new Set(['getOwnerBrowserWindow'])

const invented = pairs.flatMap(([name, object]) => {
  const known = declared(name)
  return ours(object)
    .filter((member) => !known.has(member) && !undocumented.has(member))
    .map((member) => `${name}.${member}`)
})
console.log(
  invented.length === 0
    ? 'The test host has no member that Electron has not.'
    : `Not in electron.d.ts: ${invented.join(', ')}`
)
process.exitCode = invented.length === 0 ? 0 : 1
