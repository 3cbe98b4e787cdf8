import { Menu, nativeImage, Tray, type MenuItemConstructorOptions } from 'electron'
import { trayPicture } from './tray-picture.ts'
import type { TrayAction, TrayItem, TrayState, TrayView } from './tray-menu.ts'

/** The icon in the notification area and its menu. Redrawn only when what it shows has changed. */
export class AppTray {
  readonly tray: Tray
  readonly #iconDir: string
  readonly #act: (action: TrayAction) => void
  /** Kept alive here; a test reads it. */
  menu: Menu | null = null
  view: TrayView | null = null

  constructor(iconDir: string, view: TrayView, act: (action: TrayAction) => void) {
    this.#iconDir = iconDir
    this.#act = act
    this.tray = new Tray(this.#image(view.state))
    // On Linux a click may never come, on macOS it opens the menu; there the menu's entry is the way.
    if (process.platform !== 'darwin') this.tray.on('click', () => act({ do: 'open' }))
    this.show(view)
  }

  show(view: TrayView): void {
    const before = this.view
    this.view = view
    if (before && before.state !== view.state) this.tray.setImage(this.#image(view.state))
    if (before?.tooltip !== view.tooltip) this.tray.setToolTip(view.tooltip)
    if (before && JSON.stringify(before.items) === JSON.stringify(view.items)) return
    // A menu that is shown cannot be changed everywhere: a new one each time.
    this.menu = Menu.buildFromTemplate(view.items.map((item) => this.#template(item)))
    this.tray.setContextMenu(this.menu)
  }

  #image(state: TrayState): Electron.NativeImage | string {
    const path = trayPicture(this.#iconDir, state, process.platform)
    return process.platform === 'win32' ? path : nativeImage.createFromPath(path)
  }

  #template(item: TrayItem): MenuItemConstructorOptions {
    switch (item.type) {
      case 'separator':
        return { type: 'separator' }
      case 'submenu':
        return { id: item.id, label: escaped(item.label), submenu: item.items.map((inner) => this.#template(inner)) }
      case 'checkbox':
        return {
          id: item.id,
          label: escaped(item.label),
          type: 'checkbox',
          checked: item.checked,
          click: () => this.#act(item.action)
        }
      case 'normal': {
        const { action } = item
        return {
          id: item.id,
          label: escaped(item.label),
          enabled: action !== null,
          ...(action && { click: () => this.#act(action) })
        }
      }
    }
  }
}

/** A single `&` would mark the letter after it as a shortcut. */
const escaped = (label: string): string => label.replaceAll('&', '&&')
