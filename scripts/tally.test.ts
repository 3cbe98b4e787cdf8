import { expect, test } from 'vitest'
import { addTallies, closingLine, emptyTally, isGood, tallyOfPlaywright } from './tally.ts'

test('tallies add up and close with one plain line', () => {
  const tally = addTallies(
    { passed: 3, failed: 0, skipped: [] },
    { passed: 2, failed: 1, skipped: [{ title: 'a', reason: 'b' }] }
  )
  expect(closingLine(tally)).toBe('5 passed, 1 failed, 1 skipped')
  expect(closingLine({ passed: 5, failed: 0, skipped: [] })).toBe('5 passed, 0 failed')
})

test('a run is good only when something ran and nothing failed', () => {
  expect(isGood({ passed: 1, failed: 0, skipped: [] })).toBe(true)
  expect(isGood({ passed: 1, failed: 1, skipped: [] })).toBe(false)
  expect(isGood(emptyTally)).toBe(false)
})

test('the report of the end-to-end tests is counted at every depth, with the reasons of what was skipped', () => {
  const report = {
    errors: [{}],
    suites: [
      {
        specs: [{ title: 'right', tests: [{ status: 'expected' as const }] }],
        suites: [
          {
            specs: [
              { title: 'wrong', tests: [{ status: 'unexpected' as const }, { status: 'flaky' as const }] },
              {
                title: 'left out',
                tests: [
                  {
                    status: 'skipped' as const,
                    annotations: [
                      { type: 'ran on', description: 'test-host' },
                      { type: 'skip', description: 'no browser' }
                    ]
                  }
                ]
              }
            ]
          }
        ]
      }
    ]
  }
  expect(tallyOfPlaywright(report)).toEqual({
    passed: 1,
    failed: 3,
    skipped: [{ title: 'left out', reason: 'no browser' }]
  })
})
