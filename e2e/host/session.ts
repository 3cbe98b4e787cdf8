import { EventEmitter } from 'node:events'
import { host, ignore } from './host.ts'
import { fromPageUrl, protocol } from './schemes.ts'

type Details = { isMainFrame: boolean; requestingUrl: string }
type RequestHandler = (
  contents: unknown,
  permission: string,
  callback: (granted: boolean) => void,
  details: Details
) => void
type CheckHandler = (contents: unknown, permission: string, origin: string, details: Details) => boolean

/** Electron's word for a permission → Chromium's. */
const permissions: Readonly<Record<string, string>> = {
  notifications: 'notifications',
  geolocation: 'geolocation',
  media: 'camera',
  'clipboard-read': 'clipboard-read',
  'clipboard-sanitized-write': 'clipboard-write',
  midi: 'midi',
  'idle-detection': 'idle-detection'
}

export class Session extends EventEmitter {
  readonly protocol = protocol
  #onRequest: RequestHandler | null = null
  #onCheck: CheckHandler | null = null

  setPermissionRequestHandler(handler: RequestHandler | null): void {
    this.#onRequest = handler
  }

  setPermissionCheckHandler(handler: CheckHandler | null): void {
    this.#onCheck = handler
  }

  setDevicePermissionHandler(): void {}

  /** Of a system whose proxy settings say nothing; a test puts its own in place. */
  async resolveProxy(_url: string): Promise<string> {
    return 'DIRECT'
  }

  /** Without a window Chromium asks nobody, so the handlers are asked beforehand, for each permission. */
  async applyPermissions_(contents: unknown, pageUrl: string): Promise<void> {
    if (!/^https?:/.test(pageUrl)) return
    const { origin } = new URL(pageUrl)
    const details = { isMainFrame: true, requestingUrl: fromPageUrl(pageUrl) }
    for (const [permission, name] of Object.entries(permissions)) {
      const checked = this.#onCheck?.(contents, permission, fromPageUrl(origin), details) ?? true
      const granted =
        checked &&
        (this.#onRequest === null ||
          (await new Promise<boolean>((answer) => this.#onRequest?.(contents, permission, answer, details))))
      await host.browser?.devtools
        .send('Browser.setPermission', { permission: { name }, setting: granted ? 'granted' : 'denied', origin })
        .catch(ignore)
    }
  }
}

export const defaultSession = new Session()
export const session = { defaultSession }
