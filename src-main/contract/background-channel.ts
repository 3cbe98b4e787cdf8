/**
 * The folder of a background channel as a URL that ends with `/`; null when `text` names none. Without a scheme it is HTTPS, so
 * the default port is 443.
 *
 *     channel.example            → https://channel.example/
 *     channel.example:8443/pub   → https://channel.example:8443/pub/
 *     http://channel.example/pub → http://channel.example/pub/
 */
export function channelFolder(text: string): string | null {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  if (/[\s\\]/.test(text) || !URL.canParse(absolute)) return null
  const { protocol, username, password, search, hash, host, pathname, origin } = new URL(absolute)
  if ((protocol !== 'https:' && protocol !== 'http:') || host === '' || `${username}${password}${search}${hash}` !== '')
    return null
  return `${origin}${pathname.endsWith('/') ? pathname : `${pathname}/`}`
}
