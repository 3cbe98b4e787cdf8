import { describe, expect, it } from 'vitest'
import { decideFallback, type Wait } from './fallback.ts'

const limits = { firstByteMs: 10_000, stallMs: 5000 }
const wait = (w: Partial<Wait>): Wait => ({
  nowMs: 0,
  sinceMs: 0,
  progressAtMs: null,
  pieceAtMs: null,
  deadlineMs: 1e9,
  remainingMs: null,
  sources: 1,
  allBusy: false,
  masterKnown: true,
  ...w
})

describe('falling back to the origin', () => {
  it('waits while nothing is wrong', () => {
    expect(decideFallback(wait({ nowMs: 9999 }), limits)).toBeNull()
    expect(decideFallback(wait({ nowMs: 100_000, progressAtMs: 99_000, pieceAtMs: 99_000 }), limits)).toBeNull()
  })

  it('gives up without a first byte', () => {
    expect(decideFallback(wait({ nowMs: 40_000, masterKnown: false }), limits)).toBe('no-first-byte')
    expect(decideFallback(wait({ nowMs: 10_000, masterKnown: false, sources: 0 }), limits)).toBe('no-peers')
  })

  it('gives an elected master time for its queue', () => {
    expect(decideFallback(wait({ nowMs: 39_999 }), limits)).toBeNull()
    expect(decideFallback(wait({ nowMs: 40_000 }), limits)).toBe('no-first-byte')
  })

  it('gives up without progress', () => {
    expect(decideFallback(wait({ nowMs: 30_000, progressAtMs: 10_000, pieceAtMs: 10_000 }), limits)).toBe('no-progress')
  })

  it('names what the helpdesk needs to know: nobody there, master gone, all busy', () => {
    expect(decideFallback(wait({ nowMs: 10_000, sources: 0, masterKnown: false }), limits)).toBe('no-peers')
    expect(decideFallback(wait({ nowMs: 40_000, sources: 0 }), limits)).toBe('master-lost')
    expect(decideFallback(wait({ nowMs: 40_000, allBusy: true }), limits)).toBe('busy')
  })

  it('does not wait for those whose large answers get lost, once another master could have been found', () => {
    const mute = { sources: 0, allMute: true }
    expect(decideFallback(wait({ ...mute, nowMs: 1499 }), limits)).toBeNull()
    expect(decideFallback(wait({ ...mute, nowMs: 1500 }), limits)).toBe('mute-peer')
    expect(decideFallback(wait({ ...mute, sources: 1, nowMs: 1500 }), limits)).toBeNull()
  })

  it('is patient while the master receives bytes on a slow link, but not for ever', () => {
    expect(decideFallback(wait({ nowMs: 30_000, progressAtMs: 29_500 }), limits)).toBeNull()
    expect(decideFallback(wait({ nowMs: 40_000, progressAtMs: 39_500 }), limits)).toBe('no-progress')
  })

  it('goes to the origin when half the time is gone and the rest will not do', () => {
    const slow = { nowMs: 50_000, progressAtMs: 50_000, pieceAtMs: 50_000, deadlineMs: 100_000 }
    expect(decideFallback(wait({ ...slow, remainingMs: 60_000 }), limits)).toBe('timeout')
    expect(decideFallback(wait({ ...slow, remainingMs: 40_000 }), limits)).toBeNull()
    expect(
      decideFallback(wait({ ...slow, nowMs: 49_000, progressAtMs: 49_000, remainingMs: 60_000 }), limits)
    ).toBeNull()
  })
})
