// @vitest-environment node
import { describe, expect, test } from 'vitest'
import { openSession, type SessionPage } from './session.ts'

function page(hash: string, answer: () => Response, kept: Record<string, string> = {}) {
  const store = new Map(Object.entries(kept))
  const sent: { url: string; body: unknown }[] = []
  const addresses: string[] = []
  const made: SessionPage = {
    location: { hash, pathname: '/ui/', search: '' },
    history: { replaceState: (_, __, url) => void addresses.push(url) },
    sessionStorage: {
      getItem: (k) => store.get(k) ?? null,
      setItem: (k, v) => void store.set(k, v),
      removeItem: (k) => void store.delete(k)
    },
    fetch: ((url: string, init: RequestInit) => {
      sent.push({ url, body: JSON.parse(init.body as string) })
      return Promise.resolve(answer())
    }) as typeof fetch
  }
  return { made, sent, addresses, store }
}

describe('the session of a browser', () => {
  test('exchanges the link once and takes it out of the address', async () => {
    const token = 'a'.repeat(64)
    const { made, sent, addresses, store } = page('#link=once-0123', () => Response.json({ token }))
    const session = await openSession(made)
    expect(session.token()).toBe(token)
    expect(sent).toEqual([{ url: '/v1/ui/session', body: { link: 'once-0123' } }])
    expect(addresses).toEqual(['/ui/'])
    expect([...store.values()]).toEqual([token])
  })

  test('goes on after a reload, and forgets the token when it is refused', async () => {
    const { made, sent, store } = page('#downloads', () => new Response(null, { status: 500 }), {
      'larder.session': 'kept-token-0123456789'
    })
    const session = await openSession(made)
    expect(session.token()).toBe('kept-token-0123456789')
    expect(sent).toEqual([])
    session.end()
    expect(session.token()).toBeNull()
    expect(store.size).toBe(0)
  })

  test.each([
    ['the agent ends it', () => new Response(null, { status: 204 }), true],
    ['the agent has ended it before', () => new Response('{}', { status: 401 }), true],
    ['the agent refuses', () => new Response('{}', { status: 503 }), false],
    ['the agent is gone', () => Promise.reject<Response>(new TypeError('fetch failed')), false]
  ])('signs out: the token is forgotten whether %s', async (_, answer, heard) => {
    const token = 'kept-token-0123456789'
    const { made, store } = page('', () => new Response(), { 'larder.session': token })
    const session = await openSession(made)
    const calls: [string, RequestInit][] = []
    Object.assign(made, {
      fetch: async (url: string, init: RequestInit) => {
        calls.push([url, init])
        expect(session.token()).toBeNull()
        return answer()
      }
    })
    expect(await session.signOut()).toBe(heard)
    expect(calls).toEqual([['/v1/ui/session', { method: 'DELETE', headers: { authorization: `Bearer ${token}` } }]])
    expect(store.size).toBe(0)
    expect(await session.signOut()).toBe(true)
    expect(calls).toHaveLength(1)
  })

  test.each([
    ['a used link', () => new Response('{}', { status: 401 })],
    ['an answer without token', () => Response.json({})],
    ['a token with a line break', () => Response.json({ token: `${'a'.repeat(20)}\n` })],
    ['no JSON', () => new Response('<html>')]
  ])('is not signed in after %s', async (_, answer) => {
    const { made, store } = page('#link=x', answer, { 'larder.session': 'older-token-0123456789' })
    expect((await openSession(made)).token()).toBeNull()
    expect(store.size).toBe(0)
  })
})
