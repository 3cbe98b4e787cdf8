import { EventEmitter } from 'node:events'
import { BrowserWindow } from './browser-window.ts'
import { host } from './host.ts'

export interface MenuItemOptions {
  readonly id?: string
  readonly label?: string
  readonly type?: 'normal' | 'separator' | 'submenu' | 'checkbox' | 'radio'
  readonly role?: string
  readonly enabled?: boolean
  readonly checked?: boolean
  readonly submenu?: readonly MenuItemOptions[]
  readonly click?: (item: MenuItem, window: BrowserWindow | undefined, event: object) => void
}

const roles: Readonly<Record<string, () => void>> = {
  quit: () => host.app.quit(),
  appMenu: () => {},
  editMenu: () => {},
  windowMenu: () => {}
}

export class MenuItem {
  readonly id: string | undefined
  readonly label: string
  readonly type: string
  readonly role: string | undefined
  readonly enabled: boolean
  checked: boolean
  readonly submenu: Menu | undefined
  readonly click: () => void

  constructor(options: MenuItemOptions) {
    if (options.role !== undefined && !(options.role in roles))
      throw new Error(`test host: menu role '${options.role}' is not there`)
    this.id = options.id
    this.label = options.label ?? options.role ?? ''
    this.submenu = options.submenu && Menu.buildFromTemplate(options.submenu)
    this.type = options.type ?? (this.submenu ? 'submenu' : 'normal')
    this.role = options.role
    this.enabled = options.enabled ?? true
    this.checked = options.checked ?? false
    this.click = () => {
      if (!this.enabled) throw new Error(`test host: "${this.label}" cannot be clicked, it is not enabled`)
      if (this.type === 'checkbox') this.checked = !this.checked
      if (this.role !== undefined) roles[this.role]?.()
      else options.click?.(this, BrowserWindow.getFocusedWindow() ?? undefined, {})
    }
  }
}

let applicationMenu: Menu | null = null

export class Menu extends EventEmitter {
  readonly items: MenuItem[] = []

  static buildFromTemplate(template: readonly MenuItemOptions[]): Menu {
    const menu = new Menu()
    for (const options of template) {
      if (options.label === undefined && options.role === undefined && options.type !== 'separator')
        throw new TypeError('Invalid template for MenuItem: must have at least one of label, role or type')
      menu.items.push(new MenuItem(options))
    }
    return menu
  }
  static setApplicationMenu(menu: Menu | null): void {
    applicationMenu = menu
  }
  static getApplicationMenu(): Menu | null {
    return applicationMenu
  }

  getMenuItemById(id: string): MenuItem | null {
    for (const item of this.items) {
      const found = item.id === id ? item : item.submenu?.getMenuItemById(id)
      if (found) return found
    }
    return null
  }
}
