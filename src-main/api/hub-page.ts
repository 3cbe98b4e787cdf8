import { createHash } from 'node:crypto'
import type { HubMemberView } from '../contract/hub-view.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'

/** Members listed at most; the figures count all. */
const MOST_MEMBERS = 2000

const STYLE = `
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d6d6d6}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
@media (prefers-color-scheme:dark){body{color:#f0f0f0;background:#1f1f1f}th,td{border-color:#444}}`

/** Nothing but this page's own style: no script, no picture, no other server. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

type Column<T> = readonly [title: string, of: (row: T) => string, number?: 'n']

/** A hub at a glance, for people: its sites, its members and their versions. It knows no names of contents, and so shows none. */
export function hubPage(
  { name, version, hub, at }: Pick<AgentSnapshot, 'name' | 'version' | 'hub' | 'at'>,
  members: readonly HubMemberView[]
): string {
  const sites = hub.serving?.sites ?? []
  const versions = [...Map.groupBy(members, (one) => one.version ?? 'unknown')].toSorted(
    (a, b) => b[1].length - a[1].length
  )
  const store = {
    none: '',
    connected: ', shares its tables with other hubs',
    lost: ', <strong>its store is lost</strong>'
  }
  const saved = sites.map((site) => {
    const { originBytes = 0, peerBytes = 0, cacheBytes = 0, failed = 0 } = site.totals ?? {}
    const all = originBytes + peerBytes + cacheBytes
    return {
      ...site,
      originBytes,
      peerBytes,
      cacheBytes,
      failed,
      share: all === 0 ? null : (peerBytes + cacheBytes) / all
    }
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Larder hub ${text(name)}</title><style>${STYLE}</style></head><body>
<h1>Larder hub ${text(name)}</h1>
<p>Larder ${text(version)}, ${countOf(members.length, 'PC')} connected${store[hub.serving?.store ?? 'none']}. As of ${new Date(at).toISOString()}.</p>
<h2>Sites</h2>
${table(saved, [
  ['Site', (s) => text(s.name)],
  ['PCs', (s) => String(s.members), 'n'],
  ['Claimed now', (s) => String(s.contents), 'n'],
  ['From origins', (s) => formatSize(s.originBytes), 'n'],
  ['From PCs', (s) => formatSize(s.peerBytes), 'n'],
  ['From caches', (s) => formatSize(s.cacheBytes), 'n'],
  ['Saved', (s) => (s.share === null ? '–' : `${Math.round(s.share * 100)} %`), 'n'],
  ['Went alone', (s) => String(s.wentAlone), 'n'],
  ['Failed', (s) => String(s.failed), 'n']
])}
<p>Bytes are those of the last 28 days of the PCs that are connected; failed requests since they started.</p>
<h2>Versions</h2>
${table(versions, [
  ['Version', ([of]) => text(of)],
  ['PCs', ([, all]) => String(all.length), 'n']
])}
<h2>PCs</h2>
${table(members.slice(0, MOST_MEMBERS), [
  ['PC', (m) => text(m.name)],
  ['Address', (m) => text(m.address || 'this PC')],
  ['Site', (m) => text(m.site ?? 'none')],
  ['Version', (m) => text(m.version ?? 'unknown')],
  ['Since', (m) => new Date(m.since).toISOString()]
])}
${members.length > MOST_MEMBERS ? `<p>And ${countOf(members.length - MOST_MEMBERS, 'more PC')}.</p>` : ''}
</body></html>
`
}

function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  if (rows.length === 0) return '<p>None yet.</p>'
  const line = (cell: 'th' | 'td', of: (column: Column<T>) => string) =>
    `<tr>${columns.map((c) => `<${cell}${cell === 'th' ? ' scope="col"' : ''}${c[2] ? ' class="n"' : ''}>${of(c)}</${cell}>`).join('')}</tr>`
  return `<table><thead>${line('th', ([title]) => title)}</thead><tbody>${rows.map((row) => line('td', ([, of]) => of(row))).join('\n')}</tbody></table>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** Names come from other PCs. */
const text = (of: string): string => of.replace(/[&<>"']/g, (c) => escapes[c]!)
