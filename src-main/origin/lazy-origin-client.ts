import { nameOfUrl } from './ignored-query.ts'
import type { OriginClientOptions } from './origin-client.ts'
import type { OriginClient } from './origin.ts'
import { proxyFor } from './proxy.ts'

/**
 * An origin client that loads its libraries at the first question: an agent that idles, or that only serves its peers, does
 * without some 15 MiB of memory.
 * @throws SETTINGS_INVALID when the proxy of the settings is no HTTP proxy
 */
export function lazyOriginClient(options: OriginClientOptions): OriginClient {
  proxyFor('https://proxy.invalid/', { proxy: options.settings.proxy, env: {} })
  let client: Promise<OriginClient> | undefined
  let loaded: OriginClient | undefined
  const load = () =>
    (client ??= import('./origin-client.ts').then(({ createOriginClient }) => (loaded = createOriginClient(options))))
  return {
    probe: async (...question) => (await load()).probe(...question),
    release: (version) => loaded?.release(version),
    open: async (...question) => (await load()).open(...question),
    openSeveral: async (...question) => (await load()).openSeveral(...question),
    pass: async (...question) => (await load()).pass(...question),
    nameOf: (url) => nameOfUrl(url, options.settings.ignoredQuery),
    quirks: (url) => loaded?.quirks(url) ?? [],
    clockSkews: () => loaded?.clockSkews() ?? [],
    close: async () => (await client)?.close()
  }
}
