import { expect, test } from 'vitest'
import type { PrecacheReport } from '../../../src-main/contract/precache.ts'
import { isShown, listName, precacheState, reportSentence, runningSentence } from './precache.ts'

const report: PrecacheReport = {
  startedAt: 0,
  endedAt: 60_000,
  total: 120,
  done: 118,
  present: 34,
  bytes: 1024 ** 3,
  failed: [],
  end: 'complete'
}

test('a run that went well, one that was cut short, and one whose list could not be read', () => {
  expect(reportSentence(report)).toBe('118 of 120 contents ready, 34 were there before, 1 GiB new.')
  expect(reportSentence({ ...report, present: 0, end: 'on-battery' })).toBe(
    '118 of 120 contents ready, 1 GiB new. It stopped early because this PC switched to battery.'
  )
  expect(
    reportSentence({
      ...report,
      end: 'list-unreadable',
      failed: [{ url: '/etc/list', code: 'NOT_FOUND', message: 'There is no such list' }]
    })
  ).toBe('There is no such list')
})

test('progress counts what is ready and what failed', () => {
  expect(runningSentence({ startedAt: 0, total: 3, done: 1, failed: 1, bytes: 2048 })).toBe(
    '1 of 3 contents ready, 2 KiB new, 1 failed.'
  )
})

test('is shown where there is a list, or where one was gone through', () => {
  expect(isShown({ state: 'off', last: null })).toBe(false)
  expect(isShown({ state: 'off', last: report })).toBe(true)
  expect(isShown({ state: 'waiting', last: null })).toBe(true)
  expect(precacheState({ state: 'waiting', last: { ...report, end: 'list-unreadable' } })).toEqual({
    tone: 'warning',
    label: 'List unreadable'
  })
})

test.each([
  ['https://files.example/lists/office.json', 'office.json'],
  ['C:\\ProgramData\\Larder\\nightly.txt', 'nightly.txt'],
  ['/etc/larder/list', 'list']
])('the list %s is called %s', (list, name) => expect(listName(list)).toBe(name))
