import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { proxyFor, proxyOfPac } from './proxy.ts'

const env = { http_proxy: 'http://p:3128', HTTPS_PROXY: 'q:8080' }
const from = (url: string, more: Record<string, string> = {}) =>
  proxyFor(url, { proxy: null, env: { ...env, ...more } })

describe('the proxy for a URL', () => {
  it('comes from the settings before the environment', () => {
    expect(proxyFor('https://a.example/', { proxy: 'http://u:p@s:1', env })).toBe('http://u:p@s:1/')
    expect(from('http://a.example/')).toBe('http://p:3128/')
    expect(from('https://a.example/')).toBe('http://q:8080/')
    expect(proxyFor('https://a.example/', { proxy: null, env: { ALL_PROXY: 'http://all:1' } })).toBe('http://all:1/')
    expect(proxyFor('https://a.example/', { proxy: null, env: {} })).toBeNull()
  })

  it('is refused when the settings name another kind, and passed over in the environment', () => {
    expect(() => proxyFor('http://a.example/', { proxy: 'socks5://s:1', env: {} })).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' })
    )
    expect(proxyFor('http://a.example/', { proxy: null, env: { all_proxy: 'socks5://s:1' } })).toBeNull()
  })

  it('is that of the system where neither settings nor environment name one', () => {
    const system = 'http://pac:8080/'
    expect(proxyFor('http://a.example/', { proxy: null, env: {}, system })).toBe(system)
    expect(proxyFor('http://a.example/', { proxy: null, env, system })).toBe('http://p:3128/')
    expect(proxyFor('http://a.example/', { proxy: 'http://s:1', env: {}, system })).toBe('http://s:1/')
    expect(proxyFor('http://a.example/', { proxy: null, env: { NO_PROXY: 'a.example' }, system })).toBeNull()
  })

  it('is the first of a PAC answer that speaks HTTP', () => {
    const answers: [string, string | null][] = [
      ['DIRECT', null],
      ['PROXY a.example:8080; DIRECT', 'http://a.example:8080/'],
      ['HTTPS a.example:443;PROXY b:1', 'https://a.example/'],
      ['SOCKS5 s:1080; PROXY b.example:3128', 'http://b.example:3128/'],
      ['SOCKS s:1080; DIRECT; PROXY b:1', null],
      ['', null],
      ['PROXY', null],
      ['PROXY http://[', null]
    ]
    for (const [answer, proxy] of answers) expect.soft(proxyOfPac(answer), answer).toBe(proxy)
    fc.assert(fc.property(fc.string(), (text) => void proxyOfPac(text)))
  })

  it('is none for what NO_PROXY lists', () => {
    const listed = (noProxy: string, url: string) => from(url, { NO_PROXY: noProxy }) === null
    expect(listed('*', 'http://a.example/')).toBe(true)
    expect(listed('a.example', 'http://a.example/')).toBe(true)
    expect(listed('a.example', 'http://x.a.example/')).toBe(true)
    expect(listed('.a.example, other', 'https://x.a.example/')).toBe(true)
    expect(listed('*.a.example', 'https://x.a.example/')).toBe(true)
    expect(listed('a.example', 'http://ba.example/')).toBe(false)
    expect(listed('a.example:8080', 'http://a.example/')).toBe(false)
    expect(listed('a.example:8080', 'http://a.example:8080/')).toBe(true)
    expect(listed('a.example:443', 'https://a.example/')).toBe(true)
    expect(listed('10.0.0.0/8', 'http://10.2.3.4/')).toBe(true)
    expect(listed('10.0.0.0/8', 'http://11.2.3.4/')).toBe(false)
    expect(listed('127.0.0.1', 'http://127.0.0.1:99/')).toBe(true)
    expect(listed('127.0.0.1:98', 'http://127.0.0.1:99/')).toBe(false)
    expect(listed('[::1]', 'http://[::1]:99/')).toBe(true)
    expect(listed('::1', 'http://[::1]:99/')).toBe(true)
    expect(listed('fd00::/8', 'http://[fd12::1]/')).toBe(true)
  })

  it('is decided for any environment without a crash', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('http://a.example/', 'https://10.1.2.3:8443/x', 'http://[fd00::1]/'),
        fc.string(),
        fc.string(),
        (url, noProxy, proxy) => {
          const chosen = proxyFor(url, {
            proxy: null,
            env: { no_proxy: noProxy, http_proxy: proxy, https_proxy: proxy }
          })
          if (chosen !== null) expect(chosen).toMatch(/^https?:/)
        }
      )
    )
  })
})
