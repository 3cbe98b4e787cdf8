// @vitest-environment node
import { describe, expect, test } from 'vitest'
import type { LarderBridge, SnapshotMessage } from '../../src-main/contract/commands.ts'
import { changeBetween } from '../../src-main/contract/snapshot-change.ts'
import type { SnapshotNews } from '../../src-main/contract/snapshot-message.ts'
import { busy, fixtureSnapshot, stepOf } from '../testing/snapshots.ts'
import { errorView } from './bridge.ts'
import { createMirror, GONE_AFTER_MS, STALE_AFTER_MS, type MirrorTime } from './mirror.ts'

function message(run: string, n: number, over: Partial<SnapshotMessage> = {}): SnapshotMessage {
  return { run, n, status: { state: 'running' }, snapshot: { ...fixtureSnapshot(), seq: n }, verifying: null, ...over }
}

/** A window whose clock, bridge and timer the test holds. Without `value` the agent never answers a question. */
function rig(value?: unknown) {
  let now = 1_000_000
  let tick: (() => void) | undefined
  let listener: ((news: SnapshotNews) => void) | undefined
  let asked = 0
  let answer = value
  const time: MirrorTime = {
    now: () => now,
    every: (_, task) => {
      tick = task
      return () => (tick = undefined)
    }
  }
  const bridge: LarderBridge = {
    invoke: (({ c }: { c: string }) => {
      if (c !== 'snapshot.get') return new Promise(() => {})
      asked++
      return answer === undefined ? new Promise(() => {}) : Promise.resolve(answer)
    }) as unknown as LarderBridge['invoke'],
    onSnapshot: (l) => {
      listener = l
      return () => (listener = undefined)
    }
  }
  const mirror = createMirror(bridge, time)
  const stop = mirror.start()
  return {
    stop,
    get state() {
      return mirror.store.getState()
    },
    get asked() {
      return asked
    },
    push: (news: SnapshotNews) => listener?.(news),
    /** What the agent answers from now on. */
    answer: (next: unknown) => (answer = next),
    listening: () => listener !== undefined || tick !== undefined,
    /** Lets time pass as the window lives it: second by second. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= 1000) {
        now += 1000
        tick?.()
        await Promise.resolve()
        await Promise.resolve()
      }
    },
    sleep: (ms: number) => {
      now += ms
      tick?.()
    }
  }
}

describe('the mirror', () => {
  test('ignores an older number of the same run', () => {
    const r = rig()
    r.push(message('a', 5))
    r.push(message('a', 4))
    expect(r.state.snapshot?.seq).toBe(5)
    r.push(message('a', 6))
    expect(r.state.snapshot?.seq).toBe(6)
  })

  test('follows another run from its first number, and never goes back to the ended one', () => {
    const r = rig()
    r.push(message('a', 50))
    r.push(message('b', 1))
    expect(r.state.snapshot?.seq).toBe(1)
    r.push(message('a', 51))
    expect(r.state.snapshot?.seq).toBe(1)
  })

  test('keeps the last picture when the agent stops, and tells that it stops', () => {
    const r = rig()
    r.push(message('a', 1))
    r.push(message('a', 2, { status: { state: 'stopping' }, snapshot: null }))
    expect(r.state.status).toEqual({ state: 'stopping' })
    expect(r.state.snapshot?.seq).toBe(1)
  })

  test('is stale after five seconds without news and gone after fifteen', async () => {
    const r = rig()
    r.push(message('a', 1))
    await r.pass(STALE_AFTER_MS - 1000)
    expect(r.state.link).toBe('live')
    await r.pass(1000)
    expect(r.state.link).toBe('stale')
    await r.pass(GONE_AFTER_MS - STALE_AFTER_MS)
    expect(r.state.link).toBe('disconnected')
    r.push(message('a', 2))
    expect(r.state.link).toBe('live')
  })

  test('asks a silent agent, and takes its answer for news', async () => {
    const r = rig({ ok: true, value: message('a', 1) })
    await r.pass(30_000)
    expect(r.state.link).toBe('live')
    expect(r.asked).toBeGreaterThan(5)
  })

  test('does not count the time the PC slept', () => {
    const r = rig()
    r.push(message('a', 1))
    r.sleep(3_600_000)
    expect(r.state.link).toBe('live')
  })

  test('says so when the agent is not running or no longer knows this window', async () => {
    const gone = rig()
    await gone.pass(1000)
    expect(gone.state.link).toBe('connecting')
    const out = rig({ ok: false, error: errorView('TOKEN_INVALID', 'no') })
    await out.pass(4000)
    expect(out.state.link).toBe('signedOut')
    const off = rig({ ok: false, error: errorView('AGENT_NOT_RUNNING', 'no') })
    await off.pass(4000)
    expect(off.state.link).toBe('disconnected')
  })

  test('says that the agent is of another version, until it can read it again or the agent is gone', async () => {
    const r = rig({ ok: false, error: errorView('AGENT_UNSUPPORTED', 'no') })
    await r.pass(GONE_AFTER_MS + 5000)
    expect(r.state.link).toBe('otherVersion')
    r.push(message('a', 1))
    expect(r.state.link).toBe('live')
    await r.pass(5000)
    expect(r.state.link).toBe('otherVersion')
    r.answer({ ok: false, error: errorView('AGENT_NOT_RUNNING', 'no') })
    await r.pass(2000)
    expect(r.state.link).toBe('disconnected')
  })

  test('keeps the identity of what did not change', () => {
    const r = rig()
    r.push(message('a', 1))
    const before = r.state.snapshot!
    r.push(message('a', 2))
    expect(r.state.snapshot).not.toBe(before)
    expect(r.state.snapshot!.requests).toBe(before.requests)
    expect(r.state.snapshot!.cache).toBe(before.cache)
  })

  test('puts changes together with what it knows, and keeps the identity of all that did not change', () => {
    const r = rig()
    const [first, second] = [message('a', 1, { snapshot: busy(20) }), message('a', 2, { snapshot: stepOf(busy(20)) })]
    r.push(first)
    const before = r.state
    r.push(structuredClone(changeBetween(first, second)!))
    expect(r.state.snapshot).toEqual(second.snapshot)
    expect(r.state.snapshot!.peers).toBe(before.snapshot!.peers)
    expect(r.state.status).toBe(before.status)
    const waiting = (snapshot: typeof before.snapshot) => snapshot!.requests.find(({ state }) => state === 'waiting')
    expect(waiting(r.state.snapshot)).toBe(waiting(before.snapshot))
    expect(r.asked).toBe(1)
  })

  test('asks for the whole when it missed what a change builds on, once, and goes on from there', async () => {
    const messages = [1, 2, 3, 4, 5].map((n) =>
      message('a', n, { snapshot: fixtureSnapshot({ seq: n, name: `name ${n}` }) })
    )
    const changeTo = (n: number) => changeBetween(messages[n - 2]!, messages[n - 1]!)!
    const r = rig({ ok: true, value: messages[0] })
    await r.pass(1000)
    r.answer({ ok: true, value: messages[3] })
    r.push(changeTo(3))
    r.push(changeTo(3))
    expect(r.state.snapshot?.name).toBe('name 1')
    await r.pass(1000)
    expect([r.state.snapshot?.name, r.asked]).toEqual(['name 4', 2])
    // Told before the answer, come after it.
    r.push(changeTo(4))
    r.push(changeTo(5))
    expect([r.state.snapshot?.name, r.asked]).toEqual(['name 5', 2])
  })

  test('is not kept alive by changes it can make nothing of', async () => {
    const r = rig()
    r.push(message('a', 1))
    const strange = { ...changeBetween(message('a', 2), message('a', 3))! }
    for (let ms = 0; ms < GONE_AFTER_MS; ms += 1000) {
      r.push(strange)
      await r.pass(1000)
    }
    expect(r.state.link).toBe('disconnected')
  })

  test('stops listening and ticking when it is ended', () => {
    const r = rig()
    r.stop()
    expect(r.listening()).toBe(false)
  })

  test('measures throughput from counters, one point a second', async () => {
    const r = rig()
    const at = (originBytes: number, n: number) =>
      message('a', n, {
        snapshot: {
          ...fixtureSnapshot(),
          traffic: { originBytes, peerBytes: 0, servedBytes: 0 }
        }
      })
    r.push(at(0, 1))
    await r.pass(1000)
    r.push(at(5000, 2))
    await r.pass(1000)
    expect(r.state.throughput?.points.map((p) => p.origin)).toEqual([5000])
  })
})
