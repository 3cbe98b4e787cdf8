import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'
import type { Tally } from './tally.ts'

/**
 * Writes the {@link Tally} of a vitest run as JSON to the file named by LARDER_TALLY_FILE. Unlike the JSON reporter it
 * keeps the reasons of skipped tests and counts what failed outside of tests (a file that cannot be loaded, a stray error).
 */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly unknown[], reason: TestRunEndReason): void {
    const file = process.env['LARDER_TALLY_FILE']
    if (!file) return
    let passed = 0
    let failed = strayErrors.length
    const skipped: Tally['skipped'][number][] = []
    for (const module of modules) {
      failed += module.errors().length
      for (const suite of module.children.allSuites()) failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') passed++
        else if (result.state === 'failed') failed++
        else if (result.state === 'skipped')
          skipped.push({
            title: test.fullName,
            reason: result.note ?? (test.options.mode === 'todo' ? 'to do' : 'no reason given')
          })
        else failed++ // still pending: the run ended before it did
      }
    }
    if (reason !== 'passed' && failed === 0) failed = 1
    writeFileSync(file, JSON.stringify({ passed, failed, skipped } satisfies Tally))
  }
}
