import { describe, expect, it } from 'vitest'
import { resolveTarget } from './request-target.ts'

describe('what a request asks for', () => {
  it('resolves relative URLs against the background channel', () => {
    expect(resolveTarget('modules/a.zip', undefined, 'https://dist.example/pub').url).toBe(
      'https://dist.example/pub/modules/a.zip'
    )
    expect(resolveTarget('https://other.example/x', undefined, 'https://dist.example/').url).toBe(
      'https://other.example/x'
    )
  })

  it('says so when there is no background channel', () => {
    expect(() => resolveTarget('a.zip', undefined, null)).toThrow(
      expect.objectContaining({ code: 'BACKGROUND_CHANNEL_UNSET' })
    )
  })

  it('refuses what only looks relative', () => {
    expect(() => resolveTarget('//evil.example/x', undefined, 'https://dist.example/')).toThrow(
      expect.objectContaining({ code: 'URL_INVALID' })
    )
    expect(() => resolveTarget('http://', undefined, 'https://dist.example/')).toThrow(
      expect.objectContaining({ code: 'URL_INVALID' })
    )
  })

  it('keeps requests with credentials to this user', () => {
    const target = resolveTarget('https://u:p@h.example/x', undefined, null)
    expect(target).toEqual({
      url: 'https://h.example/x',
      headers: { Authorization: `Basic ${Buffer.from('u:p').toString('base64')}` },
      private: true
    })
    expect(resolveTarget('https://h.example/x', { AUTHORIZATION: 'Bearer x' }, null).private).toBe(true)
    expect(resolveTarget('https://h.example/x', { cookie: 'a=b' }, null).private).toBe(true)
    expect(resolveTarget('https://h.example/x', { 'X-Api-Key': 'k' }, null).private).toBe(true)
    expect(resolveTarget('https://h.example/x', { accept: '*/*' }, null).private).toBe(false)
  })
})
