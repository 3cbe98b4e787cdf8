import path from 'node:path'
import { defineConfig, type DefaultTheme } from 'vitepress'

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link })

/** Links of a page that lead out of the documentation are names there: the sources are not part of the site. */
function leadsOut(href: string, from: string): boolean {
  if (/^[a-z]+:|^#|^\//.test(href)) return false
  return path.posix.join(path.posix.dirname(from), href).startsWith('..')
}

/** `npm run docs` writes the site to `dist/docs`. A link to a page that is not there is an error. */
export default defineConfig({
  title: 'Larder',
  description: 'A file crosses your WAN once per site, not once per PC.',
  outDir: '../dist/docs',
  cacheDir: '../node_modules/.vite/docs',
  cleanUrls: true,
  lastUpdated: false,
  rewrites: { 'decisions/README.md': 'decisions/index.md' },
  // A file to be loaded into Grafana, not a page.
  srcExclude: ['grafana/**'],
  markdown: {
    // `<name>` in a sentence is a word to fill in.
    html: false,
    languageAlias: { haproxy: 'txt' },
    config(md) {
      md.core.ruler.push('larder-links', ({ tokens, env }) => {
        const from = (env as { readonly relativePath?: string }).relativePath ?? ''
        for (const token of tokens) {
          let outside = false
          token.children = (token.children ?? []).filter((child) => {
            if (child.type === 'link_open') {
              const href = String(child.attrGet('href'))
              outside = leadsOut(href, from)
              child.attrSet('href', href.replace(/README\.md$/, 'index.md'))
            }
            const isLink = child.type === 'link_open' || child.type === 'link_close'
            return !(isLink && outside)
          })
        }
      })
    }
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'How it works', link: '/how-it-works' },
      {
        text: 'For you',
        items: [
          { text: 'This PC runs Larder', link: '/guides/end-user' },
          { text: 'Helpdesk', link: '/guides/helpdesk' },
          { text: 'Administrators', link: '/guides/administrator' },
          { text: 'Developers', link: '/architecture' }
        ]
      },
      { text: 'Reference', link: '/reference/cli' }
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          page('What Larder is', '/'),
          page('Getting started', '/getting-started'),
          page('How it works', '/how-it-works'),
          page('Compared with', '/compared-with')
        ]
      },
      {
        text: 'Use it',
        items: [
          page('On my PC', '/guides/end-user'),
          page('Helpdesk', '/guides/helpdesk'),
          page('Servers and tools', '/servers-and-tools'),
          page('From a program', '/client'),
          page('The local API', '/local-api')
        ]
      },
      {
        text: 'Run it',
        items: [
          page('What a PC needs', '/guides/prerequisites'),
          page('Rolling it out', '/guides/rollout'),
          page('Administrators', '/guides/administrator'),
          page('One site, many subnets', '/guides/one-site-many-subnets'),
          page('Settings and policy', '/settings'),
          page('Networks and weight', '/networks'),
          page('Ports and firewall', '/ports'),
          page('Security', '/security')
        ]
      },
      {
        text: 'Reference',
        items: [
          page('Commands', '/reference/cli'),
          page('Settings', '/reference/settings'),
          page('Errors', '/reference/errors'),
          page('Reasons', '/reference/reasons'),
          page('Measurements', '/measurements')
        ]
      },
      {
        text: 'Inside',
        items: [page('Architecture', '/architecture'), page('Protocol', '/protocol'), page('Decisions', '/decisions/')]
      }
    ]
  }
})
