import { describe, expect, test } from 'vitest'
import { errorTable, type ErrorCode } from '../contract/errors.ts'
import { ReasonCode, reasonTexts, type RequestView, type WaitingFor } from '../contract/request.ts'
import { reasonAdvice } from '../contract/why.ts'
import { diagnose } from './diagnose.ts'
import { leftByProgram } from './program-fallbacks.ts'

const split = (originBytes: number, peerBytes: number, cacheBytes = 0) => ({ originBytes, peerBytes, cacheBytes })
const because = (...codes: ReasonCode[]) => codes.map((code) => ({ code, text: reasonTexts[code], at: 1 }))

function request(more: Partial<RequestView>): RequestView {
  return {
    id: 'r-00000001' as RequestView['id'],
    url: 'http://origin.test/file.msi',
    kind: 'resource',
    priority: 'foreground',
    destination: null,
    askedBy: null,
    state: 'done',
    waitingFor: null,
    key: null,
    sha256: null,
    lengthBytes: 100,
    haveBytes: 100,
    arrivingBytes: 0,
    split: split(100, 0),
    rateBytesPerSecond: 0,
    role: 'none',
    master: null,
    masterName: null,
    stale: false,
    verifiedBy: 'origin',
    reasons: [],
    error: null,
    createdAt: 0,
    finishedAt: 1,
    firstByteMs: 1,
    elapsedMs: 1,
    ...more
  }
}
const waiting = (what: WaitingFor['what'], more: Partial<RequestView> = {}, ahead: number | null = null) => ({
  state: (what === 'version' ? 'checking' : what === 'resume' ? 'paused' : 'waiting') as RequestView['state'],
  waitingFor: { what, ahead },
  haveBytes: 0,
  split: split(0, 0),
  finishedAt: null,
  ...more
})

test('names the PC of another subnet that downloaded it for the site, or had it', () => {
  const other = { name: 'pc-7', subnet: '10.1.3.0/24', had: false }
  const relayed = request({ split: split(0, 100) })
  expect(diagnose(relayed, [{ name: 'pc-7' }], other).verdict).toBe(
    'All of it came from peers (pc-7). pc-7 in subnet 10.1.3.0/24 downloaded it for the site.'
  )
  expect(diagnose(relayed, [], { ...other, had: true }).verdict).toMatch(
    /pc-7 in subnet 10\.1\.3\.0\/24 had it already\.$/
  )
  expect(diagnose(request({}), [], other).verdict).not.toMatch(/pc-7/)
})

describe('why a download came from where it did, or does not go on', () => {
  test.each<[situation: string, Partial<RequestView>, verdict: RegExp, next: RegExp | null]>([
    [
      'no fleet',
      { reasons: because('no-fleet') },
      /^None of it came from peers\. This PC belongs to no fleet/,
      /site key/
    ],
    ['a fleet and no peers', { reasons: because('no-peers') }, /No other PC of the site was found/, /larder doctor/],
    ['peers, and none had it', { reasons: because('elected') }, /No connected PC had it yet/, /^Nothing to do/],
    ['all from peers', { split: split(0, 100), reasons: because('busy') }, /all of it came from peers \(pc-2\)/i, null],
    [
      'partly from peers',
      { split: split(25, 75), reasons: because('no-progress') },
      /^75 % came from peers, 25 % came from the origin\. The download from peers stopped/,
      /larder peers/
    ],
    [
      'in the cache',
      { split: split(0, 0, 100), reasons: because('cached') },
      /^All of it was in this PC’s cache/,
      null
    ],
    ['a stale copy', { split: split(0, 0, 100), stale: true, reasons: because('cached') }, /could not be asked/, null],
    ['an empty file', { split: split(0, 0), lengthBytes: 0 }, /the file is empty/, null],
    ['private', { reasons: because('private') }, /carries credentials/, /personal/],
    ['compressed on the way', { reasons: because('encoded') }, /Content-Encoding/, /identity/],
    ['no version', { reasons: because('not-shareable') }, /names no version/, /strong ETag/],
    [
      'queued',
      waiting('slot', { reasons: because('no-peers') }, 4),
      /^Waiting: 4 downloads are ahead of it\.$/,
      /originConcurrency/
    ],
    ['next', waiting('slot', {}, 0), /^Waiting: it is next\.$/, /Nothing to do/],
    ['one ahead', waiting('slot', {}, 1), /1 download is ahead/, /Nothing to do/],
    ['checking', waiting('version'), /^Asking the server for the current version\.$/, null],
    ['electing', waiting('election'), /^Deciding which PC downloads it\.$/, null],
    ['a silent server', waiting('pieces', { role: 'master' }), /first bytes from the server/, null],
    ['a silent master', waiting('pieces', { role: 'follower', masterName: 'pc-3' }), /first pieces from pc-3/, null],
    [
      'a master that stopped',
      waiting('pieces', { role: 'follower', masterName: 'pc-3', haveBytes: 40, split: split(0, 40) }),
      /^Waiting for the next pieces from pc-3\. So far: all of it came from peers/,
      null
    ],
    ['paused', waiting('resume', { reasons: because('elected', 'paused') }), /^Paused\.$/, /larder resume/],
    [
      'running',
      { state: 'active', finishedAt: null, split: split(5, 0), reasons: because('no-peers') },
      /^So far: none/,
      /doctor/
    ],
    ['cancelled early', { state: 'cancelled', split: split(0, 0) }, /cancelled before a byte/, null],
    ['cancelled', { state: 'cancelled', reasons: because('elected') }, /^Until it was cancelled: none/, null],
    [
      'cancelled after the agent’s own fallback',
      { state: 'cancelled', reasons: because('no-progress') },
      /^Until it was cancelled: none/,
      null
    ],
    [
      'left by its program',
      { state: 'cancelled', split: split(0, 0), error: leftByProgram('no-first-byte').toView() },
      /^The program that asked for it went on by itself: No peer delivered a first byte in time\.$/,
      /larder peers/
    ],
    [
      'left by its program in the middle',
      { state: 'cancelled', split: split(0, 30), error: leftByProgram('no-progress').toView() },
      /^The program that asked for it went on by itself: .* Until it was cancelled: all of it came from peers/,
      /larder peers/
    ]
  ])('%s', (_situation, more, verdict, next) => {
    const said = diagnose(request(more), [{ name: 'pc-2' }])
    expect(said.verdict).toMatch(verdict)
    if (next === null) expect(said.next).toBeNull()
    else expect(said.next).toMatch(next)
  })

  test.each(Object.keys(errorTable) as ErrorCode[])('failed: %s', (code) => {
    const { next } = errorTable[code]
    expect(diagnose(request({ state: 'failed', error: { code, message: 'This and that', next } }), [])).toEqual({
      verdict: 'It failed: This and that',
      next
    })
  })

  test.each(ReasonCode.options.filter((code) => code !== 'paused' && code !== 'cached'))('the reason %s', (code) => {
    const said = diagnose(request({ split: split(60, 40), reasons: because(code, 'paused') }), [])
    expect(said).toEqual({
      verdict: `40 % came from peers, 60 % came from the origin. ${reasonTexts[code]}`,
      next: reasonAdvice[code]
    })
  })
})
