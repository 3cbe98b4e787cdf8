import { expect, test } from 'vitest'
import { whyWorse } from '../../updates/judge-health.ts'
import type { Outcome } from '../../updates/update-machine.ts'
import { judgeUpdate } from './judge-update.ts'

const last = (result: Outcome['result'], code: Outcome['code'] = null): Outcome => ({
  version: '1.1.0',
  from: '1.0.0',
  result,
  why: result === 'installed' ? null : 'dpkg frontend lock was locked by another process',
  code,
  at: 0,
  kept: []
})

test('nothing is said where no release was handed to the installer', () => {
  expect(judgeUpdate(null)).toEqual([])
})

test('a way back that is shut fails, with what is in the way and what to do', () => {
  const [check] = judgeUpdate(last('stuck', 'UPDATE_STUCK'))
  expect(check).toMatchObject({
    verdict: 'fail',
    next: expect.stringContaining('journalctl -u larder-update') as string
  })
  expect(check!.seen).toMatch(/^1\.1\.0 has to go, and 1\.0\.0 could not be installed again .*frontend lock/)
  // It says what the installer is doing: no release is judged by it.
  expect(whyWorse('1.0.0', { version: '1.0.0', checks: [check!] }, { version: '1.0.0', checks: [] })).toBeNull()
})

test.each(['installed', 'rolled-back', 'refused'] as const)('what is over by now (%s) is no failure', (result) => {
  expect(judgeUpdate(last(result))).toMatchObject([{ verdict: result === 'installed' ? 'ok' : 'note' }])
})
