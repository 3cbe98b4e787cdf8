// Why it is like this: docs/decisions/0084-tests-are-paid-in-cpu-and-mostly-wait.md
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/longest-first.ts'

// Agents and commands of the tests start hundreds of threads and processes from the same sources. Each would strip their types and
// compile them again, which is more work than all else they do.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')

const shared = {
  environment: 'node',
  pool: 'forks',
  testTimeout: 20_000,
  hookTimeout: 20_000,
  // What is waited for comes when the machine gets to it; the one second of the library is a figure about the machine.
  expect: { poll: { timeout: 15_000 } },
  restoreMocks: true
} as const

/**
 * `main` and `renderer`: beside the code, quick; part of `npm run check`. `integration`: whole agents and processes; part of
 * `npm test`. `netns`: several PCs as network namespaces, where root on Linux; part of `npm test`.
 */
export default defineConfig({
  test: {
    // More than the cores of the smallest machine: what agents do among themselves is for the most part waiting.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default'],
    projects: [
      {
        test: {
          ...shared,
          name: 'main',
          // One process for many files: a third less work than to read the same sources again for each. No test of these leaves
          // anything behind that another could find; `vi.mock` is not used.
          isolate: false,
          include: ['{src-main,scripts,bench}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/*.netns.test.ts', '**/node_modules/**']
        }
      },
      {
        test: {
          ...shared,
          name: 'integration',
          // Whole sites of processes, which fill two cores.
          maxWorkers: 2,
          include: ['{src-main,scripts,bench}/**/*.integration.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          ...shared,
          name: 'netns',
          include: ['src-main/**/*.netns.test.ts'],
          // Labs are torn down whole: one at a time.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000
        }
      },
      './src-renderer/vitest.config.ts'
    ]
  }
})
