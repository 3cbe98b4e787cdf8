import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ReasonCode, RequestView } from '../contract/request.ts'
import { ask, startFleet, type Fleet } from '../testing/fleet.ts'
import { startOddOrigin, type OddOrigin } from '../testing/odd-origin.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
let fleet: Fleet
let dir: string
beforeAll(async () => {
  fleet = await startFleet(3)
  dir = await mkdtemp(join(tmpdir(), 'larder-odd-'))
})
afterAll(async () => {
  await fleet.stop()
  await rm(dir, { recursive: true, force: true })
})

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

/** Slower than the buffers of this PC, so that what nobody reads is not sent. */
const RATE = 16 * 1024 ** 2

/** The fleet asks a server of this sort for one file, all at once. */
async function askAll(
  mode: string,
  { bytes, digest = false, query = '' }: { bytes?: number; digest?: boolean; query?: string } = {}
): Promise<{ views: RequestView[]; digests: string[]; times: number; origin: OddOrigin }> {
  // Each a host of its own: what is learned about a server is remembered by host.
  const origin = await startOddOrigin(bytes)
  origin.rate = RATE
  try {
    const url = `${origin.url}/${mode}/f.bin${query}`
    const path = (i: number) => join(dir, `${mode}-${bytes ?? ''}-${digest}-${query.slice(1)}-${i}`)
    const views = await Promise.all(
      fleet.agents.map(({ agent }, i) =>
        ask(agent, { url, destination: path(i), ...(digest && { integrity: origin.sha256 }) })
      )
    )
    const digests = await Promise.all(
      views.map(async ({ state }, i) => (state === 'done' ? sha256(await readFile(path(i))) : state))
    )
    const times = origin.requests.reduce((sum, { sent }) => sum + sent, 0) / origin.body.length
    return { views, digests, times, origin }
  } finally {
    await origin.close()
  }
}

/** How often the content crosses the line for three PCs, at most. */
const once = 1.01
/** A server that breaks off half way and gives no ranges has to be asked from the start once more. */
const onceAndAHalf = 1.51
/** Each PC alone: nobody but the asker may have it, or it has no name that others could ask for. */
const each = 3.1

describe('three PCs ask a server that', () => {
  test.concurrent.each<[what: string, mode: string, most: number, why?: ReasonCode]>([
    ['is as it should be', 'plain', once],
    ['says 404 to HEAD', 'head-404', once],
    ['limits HEAD', 'head-429', once],
    ['fails at HEAD', 'head-500', once],
    ['has no gateway for HEAD', 'head-502', once],
    ['resets HEAD', 'head-reset', once],
    ['names utf-8 as the coding', 'enc-utf-8', once],
    ['names binary as the coding', 'enc-binary', once],
    ['names none as the coding', 'enc-none', once],
    ['names aws-chunked as the coding', 'enc-aws-chunked', once],
    ['names gzip for what is plain', 'enc-gzip', each, 'encoded'],
    ['compresses though nobody asked', 'gz', each, 'encoded'],
    ['writes UTF-8 into Location', 'utf8', once],
    ['gives a length and chunks', 'clte', each],
    ['ends lines with a bare LF', 'lf', once],
    ['sends 20 KB of fields', 'wide', once],
    ['has a blank in the name of a field', 'blank', once],
    ['gives the length twice', 'twice', once],
    ['knows no ranges', 'norange', once],
    ['knows no ranges, and tags', 'norange-etag', once],
    ['breaks off once', 'broken', onceAndAHalf],
    ['answers with another range after it broke off', 'badcr', onceAndAHalf],
    ['gives each answer a tag of its own', 'etags', once],
    ['redirects to what expires', 'redir', 1.6],
    ['redirects to a mirror that dies', 'mirrors', onceAndAHalf],
    ['wants them to come back later', 'later', once],
    ['answers 203', 's203', once],
    ['answers 299, which nobody has defined', 's299', once],
    ['sets a cookie on the redirect', 'cookie', each, 'sets-cookie'],
    ['names each answer anew', 'named-anew', each, 'version-changed'],
    ['dates each answer anew', 'dated-anew', each, 'version-changed'],
    ['has chunks and a tag', 'chunked', each],
    ['has chunks and no tag', 'chunked-bare', each, 'not-shareable'],
    ['has a weak tag alone', 'weak-etag', each, 'not-shareable'],
    ['has no validator at all', 'bare', each, 'not-shareable'],
    ['tells no time', 'nodate', each]
  ])('%s: each gets the right bytes', async (_what, mode, most, why) => {
    const { digests, times, origin, views } = await askAll(mode)
    expect(digests, JSON.stringify(views.map(({ error, reasons }) => [error, reasons]))).toEqual(
      Array(3).fill(origin.sha256)
    )
    expect(times).toBeLessThanOrEqual(most)
    if (why) for (const { reasons } of views) expect(reasons.map(({ code }) => code)).toEqual([why])
  })
})

describe('three PCs that know the digest ask a server that', () => {
  test.concurrent.each<[what: string, mode: string, most: number]>([
    ['has a weak tag alone', 'weak-etag', once],
    ['has no validator at all', 'bare', once],
    ['tells no time', 'nodate', once],
    ['gives each answer a tag of its own', 'etags', once],
    ['says another digest than theirs', 'digest', once],
    ['has chunks and no length', 'chunked-bare', each],
    ['names gzip for what is plain', 'enc-gzip', each]
  ])('%s: each gets the right bytes', async (_what, mode, most) => {
    const { digests, times, origin, views } = await askAll(mode, { digest: true })
    expect(digests, JSON.stringify(views.map(({ error, reasons }) => [error, reasons]))).toEqual(
      Array(3).fill(origin.sha256)
    )
    expect(times).toBeLessThanOrEqual(most)
  })
})

// Which node answers whom depends on the moment; in each of these orders there are moments in which three PCs had taken five contents.
describe('three PCs ask nodes with tags of their own for a small file', () => {
  const orders = ['?a2b5ed', '?54d504', '?bb71f9', '?1f2b42']
  const modes = ['picked-nodes', 'picked-nodes-no-head', 'picked-nodes-no-ranges', 'picked-nodes-get-alone']
  test.concurrent.each(modes.flatMap((mode) => orders.map((query) => [mode, query] as const)))(
    'none of them downloads it more often than it would alone (%s%s)',
    async (mode, query) => {
      const { digests, times, origin } = await askAll(mode, { bytes: 100_000, query })
      expect(digests).toEqual(Array(3).fill(origin.sha256))
      expect(times).toBeLessThanOrEqual(3.01)
    }
  )
})

describe('a server without ranges that breaks off', () => {
  const many = { bytes: 24 * 1024 ** 2 + 7 }
  const begun = ({ requests, body }: OddOrigin) => requests.filter(({ sent }) => sent > body.length / 3).length

  test('every time is begun with twice for the site, and all are told why', async () => {
    const { views, times, origin } = await askAll('norange-always-broken', many)
    expect(views.map(({ error }) => error?.code)).toEqual(Array(3).fill('ORIGIN_BREAKS_OFF'))
    expect(views[0]!.error!.next).toContain('give the URL of a server that resumes')
    expect(begun(origin)).toBe(2)
    expect(times).toBeLessThanOrEqual(1.1)
  })

  test('every time, and has a file of one piece, is begun with three times', async () => {
    const { views, times, origin } = await askAll('norange-always-broken', { bytes: 1024 ** 2 })
    expect(views.map(({ error }) => error?.code)).toEqual(Array(3).fill('ORIGIN_BREAKS_OFF'))
    expect(begun(origin)).toBe(3)
    expect(times).toBeLessThanOrEqual(1.7)
  })

  test.each(['norange-broken', 'ifrange'])(
    'once is read on by another one past what came, which all have from the first (%s)',
    async (mode) => {
      const { digests, times, origin } = await askAll(mode, many)
      expect(digests).toEqual(Array(3).fill(origin.sha256))
      expect(times).toBeLessThanOrEqual(onceAndAHalf)
    }
  )
})
