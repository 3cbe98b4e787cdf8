/** Outcome of a number of tests. A skipped one names its reason. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly { readonly title: string; readonly reason: string }[]
}

export const emptyTally: Tally = { passed: 0, failed: 0, skipped: [] }

export function addTallies(...tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: tallies.reduce((sum, tally) => sum + tally.failed, 0),
    skipped: tallies.flatMap((tally) => tally.skipped)
  }
}

/** The closing line: `12 passed, 0 failed`, and `, 1 skipped` when there are any. */
export function closingLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed${tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : ''}`
}

/** Right only when something ran and nothing failed. */
export function isGood(tally: Tally): boolean {
  return tally.failed === 0 && tally.passed > 0
}

interface PlaywrightSuite {
  readonly suites?: readonly PlaywrightSuite[]
  readonly specs?: readonly {
    readonly title: string
    readonly tests: readonly {
      readonly status: 'expected' | 'unexpected' | 'flaky' | 'skipped'
      readonly annotations?: readonly { readonly type: string; readonly description?: string }[]
    }[]
  }[]
}

/** Reads the report of Playwright's JSON reporter. A flaky test failed at least once, so it counts as failed. */
export function tallyOfPlaywright(report: PlaywrightSuite & { readonly errors?: readonly unknown[] }): Tally {
  const tests = specsOf(report).flatMap((spec) => spec.tests.map((test) => ({ title: spec.title, ...test })))
  return {
    passed: tests.filter((test) => test.status === 'expected').length,
    failed:
      tests.filter((test) => test.status === 'unexpected' || test.status === 'flaky').length +
      (report.errors?.length ?? 0),
    skipped: tests
      .filter((test) => test.status === 'skipped')
      .map((test) => ({
        title: test.title,
        reason:
          test.annotations?.find(({ type, description }) => ['skip', 'fixme'].includes(type) && description)
            ?.description ?? 'no reason given'
      }))
  }
}

function specsOf(suite: PlaywrightSuite): NonNullable<PlaywrightSuite['specs']> {
  return [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specsOf)]
}
