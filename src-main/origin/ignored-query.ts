import { coversHost } from './certificate-choice.ts'

/**
 * What a URL is known by where an administrator has said which of its query parameters do not count (`origin.ignoredQuery`): mirrors' session
 * numbers, signatures of whoever asks. The origin is still asked with all of them.
 */
export function nameOfUrl(href: string, ignored: readonly string[]): string {
  if (ignored.length === 0 || !href.includes('?')) return href
  const url = new URL(href)
  const left = new Set(
    ignored
      .map((rule) => rule.split('?', 2) as [string, string])
      .filter(([host]) => coversHost(host.toLowerCase(), url.hostname))
      .map(([, parameter]) => parameter.toLowerCase())
  )
  if (left.size === 0) return href
  // Cut out of the text: written again, the rest would be spelled otherwise.
  const parts = url.search.slice(1).split('&')
  const kept = parts.filter((part) => !left.has(nameIn(part)))
  if (kept.length === parts.length) return href
  // With its mark, or a parameter that begins with one would lose it.
  url.search = kept.length === 0 ? '' : `?${kept.join('&')}`
  return url.href
}

function nameIn(part: string): string {
  const name = part.split('=', 1)[0] ?? ''
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).toLowerCase()
  } catch {
    return name.toLowerCase()
  }
}
