// @vitest-environment node
import { describe, expect, test } from 'vitest'
import type { SnapshotMessage } from '../../src-main/contract/commands.ts'
import { changeBetween } from '../../src-main/contract/snapshot-change.ts'
import type { SnapshotNews } from '../../src-main/contract/snapshot-message.ts'
import { fixtureSnapshot } from '../testing/snapshots.ts'
import { createHttpBridge, MAX_EVENT_CHARS, type BrowserPage } from './http-bridge.ts'
import type { Session } from './session.ts'

interface Call {
  readonly path: string
  readonly init: RequestInit
}

function rig(answer: (call: Call) => Response | Promise<Response>) {
  const calls: Call[] = []
  const waits: number[] = []
  let token: string | null = 'secret-token'
  const end = () => void (token = null)
  const session: Session = { token: () => token, end, signOut: async () => true }
  const page: BrowserPage = {
    fetch: async (path, init) => {
      calls.push({ path, init })
      return await answer({ path, init })
    },
    wait: async (ms) => {
      waits.push(ms)
      await new Promise((resolve) => setTimeout(resolve))
    },
    nextTask: async () => {},
    copy: async () => ({ ok: true, value: {} }),
    save: () => {}
  }
  return { bridge: createHttpBridge(session, page), calls, waits, session }
}

const message = (n: number): SnapshotMessage => ({
  run: 'a',
  n,
  status: { state: 'running' },
  snapshot: { ...fixtureSnapshot(), seq: n },
  verifying: null
})
const streamOf = (text: string) => new Response(text, { headers: { 'content-type': 'text/event-stream' } })

describe('commands over HTTP', () => {
  test('carry the token in a header and never in the address', async () => {
    const { bridge, calls } = rig(() => Response.json({ ok: true, value: {} }))
    expect(await bridge.invoke({ c: 'all.resume' })).toEqual({ ok: true, value: {} })
    expect(calls[0]?.path).toBe('/v1/ui/commands')
    expect(calls[0]?.init.headers).toMatchObject({ authorization: 'Bearer secret-token' })
    expect(calls[0]?.init.body).toBe('{"c":"all.resume"}')
  })

  test.each([
    ['the agent is gone', () => Promise.reject(new TypeError('fetch failed')), 'AGENT_NOT_RUNNING'],
    ['the token is refused', () => new Response(null, { status: 401 }), 'TOKEN_INVALID'],
    ['the answer is no JSON', () => new Response('<html>'), 'INTERNAL'],
    [
      'the answer is of another kind, as an agent of another version gives',
      () => Response.json({ ok: true, value: { enabled: 'yes' } }),
      'AGENT_UNSUPPORTED'
    ],
    [
      'it was refused with a code',
      () => Response.json({ code: 'BUSY', message: 'm', next: 'n' }, { status: 503 }),
      'BUSY'
    ]
  ])('answer with an error when %s', async (_, answer, code) => {
    const { bridge } = rig(answer)
    expect(await bridge.invoke({ c: 'integration.set', enabled: true })).toMatchObject({ ok: false, error: { code } })
  })

  test('say that text can be copied and saved here, whatever the agent can', async () => {
    const info = {
      version: '1',
      runtime: 'browser',
      platform: 'linux',
      versions: {},
      dataDir: '/d',
      logDir: '/l',
      commands: ['app.info']
    }
    const { bridge } = rig(() => Response.json({ ok: true, value: info }))
    const answer = await bridge.invoke({ c: 'app.info' })
    expect(answer.ok && answer.value.commands).toEqual(['app.info', 'shell.copyText', 'shell.saveText'])
  })
})

describe('the stream', () => {
  test('hands on snapshots, passes over what is none, and connects again when it ends', async () => {
    let opened = 0
    const { bridge, waits } = rig(() => {
      opened++
      return streamOf(
        `: hi\n\nevent: event\ndata: {}\n\nevent: message\ndata: {"n":"wrong"}\n\nevent: message\ndata: ${JSON.stringify(message(opened))}\n\n`
      )
    })
    const seen: number[] = []
    await new Promise<void>((resolve) => {
      const stop = bridge.onSnapshot(({ n }) => {
        seen.push(n)
        if (n === 3) {
          stop()
          resolve()
        }
      })
    })
    expect(seen).toEqual([1, 2, 3])
    expect(new Set(waits)).toEqual(new Set([500]))
  })

  test('hands on changes after the whole, and passes over what is none', async () => {
    const { bridge } = rig(() =>
      streamOf(
        `event: message\ndata: ${JSON.stringify(message(1))}\n\nevent: change\ndata: {"run":"a","n":2,"base":"1"}\n\nevent: change\ndata: ${JSON.stringify(changeBetween(message(1), message(3)))}\n\n`
      )
    )
    const seen = await new Promise<SnapshotNews[]>((resolve) => {
      const news: SnapshotNews[] = []
      const stop = bridge.onSnapshot((one) => {
        if (news.push(one) < 2) return
        stop()
        resolve(news)
      })
    })
    expect(seen).toEqual([message(1), { run: 'a', n: 3, base: 1, snapshot: { seq: 3 }, lists: {} }])
  })

  test('waits longer each time the agent is not there', async () => {
    let tries = 0
    const { bridge, waits } = rig(() => {
      if (++tries < 6) throw new TypeError('fetch failed')
      return streamOf(`event: message\ndata: ${JSON.stringify(message(1))}\n\n`)
    })
    await new Promise<void>((resolve) => {
      const stop = bridge.onSnapshot(() => {
        stop()
        resolve()
      })
    })
    expect(waits).toEqual([500, 1000, 2000, 5000, 5000])
  })

  test('lets go of a message that never ends, and connects again', async () => {
    let opened = 0
    const { bridge } = rig(() =>
      streamOf(
        ++opened === 1
          ? `event: message\ndata: ${'x'.repeat(MAX_EVENT_CHARS + 1)}`
          : `event: message\ndata: ${JSON.stringify(message(2))}\n\n`
      )
    )
    const n = await new Promise<number>((resolve) => {
      const stop = bridge.onSnapshot((seen) => {
        stop()
        resolve(seen.n)
      })
    })
    expect([n, opened]).toEqual([2, 2])
  })

  test('ends when the session does', async () => {
    const { bridge, calls, session } = rig(() => new Response(null, { status: 401 }))
    bridge.onSnapshot(() => {})
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(calls).toHaveLength(1)
    expect(session.token()).toBeNull()
  })
})
