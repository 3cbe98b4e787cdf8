import { EventEmitter } from 'node:events'
import { cancellable, desktopRecord } from './host.ts'

const unanswered = (name: string) => (): never => {
  throw new Error(`test host: nobody is here to answer dialog.${name}; a test puts its own in place`)
}

export const dialog = {
  showOpenDialog: unanswered('showOpenDialog'),
  showSaveDialog: unanswered('showSaveDialog'),
  showMessageBox: unanswered('showMessageBox'),
  showErrorBox: (title: string, text: string): void => console.error(`${title}\n${text}`)
}

export const shell = {
  openExternal: async (url: string): Promise<void> => void desktopRecord.opened.push(url),
  openPath: async (path: string): Promise<string> => {
    desktopRecord.opened.push(path)
    return ''
  },
  showItemInFolder: (path: string): void => void desktopRecord.shownInFolder.push(path)
}

let copied = ''
export const clipboard = {
  readText: async (): Promise<string> => copied,
  writeText: async (text: string): Promise<void> => void (copied = text)
}

export const powerMonitor = Object.assign(new EventEmitter(), { isOnBatteryPower: () => false, onBatteryPower: false })

const blockers = new Map<number, string>()
export const powerSaveBlocker = {
  start(kind: string): number {
    const id = desktopRecord.sleepBlocked++
    blockers.set(id, kind)
    return id
  },
  stop: (id: number): boolean => blockers.delete(id),
  isStarted: (id: number): boolean => blockers.has(id)
}

export class Notification extends EventEmitter {
  readonly title: string
  readonly body: string

  constructor({ title = '', body = '' }: { title?: string; body?: string; silent?: boolean } = {}) {
    super()
    this.title = title
    this.body = body
  }
  static isSupported(): boolean {
    return true
  }
  show(): void {
    desktopRecord.notifications.push({ title: this.title, body: this.body })
    setImmediate(() => this.emit('show', cancellable()))
  }
  close(): void {
    setImmediate(() => this.emit('close', cancellable()))
  }
}
