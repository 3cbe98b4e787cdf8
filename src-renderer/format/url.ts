/** What a person calls the thing at a URL: the last part of its path, decoded; else the host. */
export function fileNameOf(url: string): string {
  const path = url.split(/[?#]/, 1)[0] ?? url
  const last = path
    .replace(/^[a-z]+:\/\/[^/]*/i, '')
    .split('/')
    .findLast((part) => part !== '')
  return last === undefined ? hostOf(url) || url : decode(last)
}

/** Host and port of a URL; empty for a relative one. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return ''
  }
}

/** A name that every file system takes; at most 120 characters. */
export function safeFileName(name: string): string {
  const safe = name
    .replace(/[/\\:*?"<>|\p{Cc}]/gu, '_')
    .replace(/^\.+/, '_')
    .slice(0, 120)
    .replace(/[. ]+$/, '')
  return safe === '' ? 'download' : safe
}

/** First 12 digits of a digest or peer id: enough for people to compare. */
export function shortId(id: string): string {
  return id.replace(/^(sha256|version):/, '').slice(0, 12)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
