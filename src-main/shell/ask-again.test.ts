import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../contract/commands.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { RequestId } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import { askAgain, noteRequests } from './ask-again.ts'
import { UnfinishedRequests } from './unfinished-requests.ts'

let dir: string
let file: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-unfinished-'))
  file = join(dir, 'requests.json')
})
afterEach(() => rmSync(dir, { recursive: true }))

/** One run of the application: a window whose commands are all accepted, or refused with `refusal`. */
function run(refusal: ErrorCode | null = null) {
  const trouble: unknown[] = []
  const asked: object[] = []
  const views = new Map<string, Pick<RequestView, 'id' | 'state' | 'error'>>()
  const unfinished = new UnfinishedRequests(file, (error) => trouble.push(error))
  let last = 0
  const dispatch = noteRequests(
    async (input): Promise<Answer> => {
      if (refusal) return { ok: false, error: new LarderError(refusal, 'no').toView() }
      asked.push(input as object)
      const view = {
        id: `${process.hrtime.bigint()}-${last++}` as RequestId,
        state: 'active' as RequestView['state'],
        error: null
      }
      views.set(view.id, view)
      return { ok: true, value: view }
    },
    unfinished,
    (id) => views.get(id) as RequestView
  )
  const start = async (spec: object) => {
    const answer = await dispatch({ c: 'request.start', spec }, 'ada')
    return answer.ok ? (answer.value as RequestView).id : null
  }
  const kept = async () => {
    await unfinished.written()
    return unfinished.all().map(([, { url }]) => url)
  }
  const end = (id: RequestId | null, state: RequestView['state'], code?: ErrorCode) =>
    unfinished.changed({ id: id!, state, error: code ? new LarderError(code, 'x').toView() : null })
  return { unfinished, dispatch, start, end, kept, asked, trouble, again: () => askAgain(dispatch, unfinished, 'ada') }
}

describe('what the window has asked for', () => {
  test('is asked for again by the next run, with all that was said, and by the one after that', async () => {
    const first = run()
    const spec = { url: 'https://a.test/x', destination: '/tmp/x', priority: 'background' }
    const id = await first.start(spec)
    first.end(id, 'failed', 'SHUTTING_DOWN')
    expect(await first.kept()).toEqual(['https://a.test/x'])
    for (let restarts = 0; restarts < 2; restarts++) {
      const next = run()
      await next.again()
      expect(next.asked).toMatchObject([{ c: 'request.start', spec }])
      expect(await next.kept()).toEqual(['https://a.test/x'])
    }
  })

  test('is forgotten once it has ended by itself or was cancelled', async () => {
    const { start, end, kept } = run()
    const ids = [
      await start({ url: 'https://a.test/1' }),
      await start({ url: 'https://a.test/2' }),
      await start({ url: 'https://a.test/3' }),
      await start({ url: 'https://a.test/4' })
    ] as const
    end(ids[0], 'done')
    end(ids[1], 'failed', 'ORIGIN_NOT_FOUND')
    end(ids[2], 'cancelled', 'CANCELLED')
    end(ids[3], 'paused')
    expect(await kept()).toEqual(['https://a.test/4'])
    expect(run().unfinished.all()).toHaveLength(1)
  })

  test('is noted again when it is retried', async () => {
    const { start, end, kept, dispatch } = run()
    const id = await start({ url: 'https://a.test/1' })
    end(id, 'failed', 'ORIGIN_STALLED')
    expect(await kept()).toEqual([])
    await dispatch({ c: 'request.retry', id }, 'ada')
    expect(await kept()).toEqual(['https://a.test/1'])
  })

  test('stays while nothing can be asked for, and goes when it is refused for good', async () => {
    const first = run()
    await first.start({ url: 'https://a.test/1' })
    await first.kept()
    const off = run('INTEGRATION_OFF')
    await off.again()
    expect(await off.kept()).toEqual(['https://a.test/1'])
    const invalid = run('DESTINATION_INVALID')
    await invalid.again()
    expect(await invalid.kept()).toEqual([])
  })

  test('is not written down when it carries credentials', async () => {
    const { start, kept } = run()
    await start({ url: 'https://ada:secret@a.test/1' })
    await start({ url: 'https://a.test/2', headers: { Authorization: 'Bearer secret' } })
    await start({ url: 'https://a.test/3', headers: {} })
    expect(await kept()).toEqual(['https://a.test/3'])
    expect(readFileSync(file, 'utf8')).not.toContain('secret')
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('is nothing when the file is damaged, and the next request replaces it', async () => {
    for (const damaged of [
      '',
      '{',
      '[]',
      '{"requests":[{"url":""}]}',
      `{"requests":[${'{"url":"a"},'.repeat(501)}{"url":"a"}]}`
    ]) {
      writeFileSync(file, damaged)
      expect(run().unfinished.all(), damaged.slice(0, 30)).toEqual([])
    }
    const { start, kept } = run()
    await start({ url: 'https://a.test/1' })
    await kept()
    expect(run().unfinished.all()).toHaveLength(1)
  })

  test('is at most 500 requests, the newest ones', async () => {
    const { start, kept } = run()
    for (let i = 0; i < 502; i++) await start({ url: `https://a.test/${i}` })
    const all = await kept()
    expect([all.length, all[0], all.at(-1)]).toEqual([500, 'https://a.test/2', 'https://a.test/501'])
  })

  test('that cannot be written is told and changes nothing else', async () => {
    const { start, kept, trouble, unfinished } = run()
    rmSync(dir, { recursive: true })
    expect(await start({ url: 'https://a.test/1' })).not.toBeNull()
    await kept()
    expect(trouble).toHaveLength(1)
    expect(unfinished.all()).toHaveLength(1)
    dir = mkdtempSync(join(tmpdir(), 'larder-unfinished-'))
  })
})
