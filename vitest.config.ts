import { defineConfig } from 'vitest/config'

const shared = {
  environment: 'node',
  pool: 'forks',
  testTimeout: 20_000,
  hookTimeout: 20_000,
  restoreMocks: true
} as const

/**
 * `main` and `renderer`: beside the code, quick; part of `npm run check`. `integration`: whole agents and processes; part of
 * `npm test`.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        test: {
          ...shared,
          name: 'main',
          include: ['{src-main,scripts,bench}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**']
        }
      },
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['{src-main,scripts,bench}/**/*.integration.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000
        }
      },
      './src-renderer/vitest.config.ts'
    ]
  }
})
