import { host } from './host.ts'

/*
 * Stock Chromium drops a request for a scheme it does not know before anything can answer it. So `app://bundle/x` is shown to
 * the page as `https://bundle.app.host.invalid/x`, also a secure context, and turned back wherever main looks.
 */
const SUFFIX = '.host.invalid'
const privileged = new Set<string>()

export function toPageUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i, (whole, scheme: string, authority: string) =>
    privileged.has(scheme) ? `https://${authority}.${scheme}${SUFFIX}` : whole
  )
}

export function fromPageUrl(url: string): string {
  return url.replace(
    /^https:\/\/([^/?#]*)\.([a-z0-9+-]+)\.host\.invalid/i,
    (_whole, authority: string, scheme: string) => `${scheme}://${authority}`
  )
}

export type SchemeHandler = (request: Request) => Response | Promise<Response>

export class Protocol {
  readonly #handlers = new Map<string, SchemeHandler>()

  registerSchemesAsPrivileged(
    schemes: readonly { scheme: string; privileges?: { standard?: boolean; secure?: boolean } }[]
  ): void {
    if (host.app.schemesClosed_)
      throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready')
    privileged.clear()
    for (const { scheme, privileges } of schemes) if (privileges?.standard && privileges.secure) privileged.add(scheme)
  }

  handle(scheme: string, handler: SchemeHandler): void {
    if (!host.app.isReady()) throw new Error('Protocol methods may only be called after app is ready')
    if (this.#handlers.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`)
    if (!privileged.has(scheme)) throw new Error(`test host: register ${scheme} as standard and secure first`)
    this.#handlers.set(scheme, handler)
  }

  isProtocolHandled(scheme: string): boolean {
    return this.#handlers.has(scheme)
  }

  handlerFor_(url: string): SchemeHandler | undefined {
    return this.#handlers.get(url.slice(0, url.indexOf(':')))
  }
}

export const protocol = new Protocol()
