import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

/** The window's tests alone; the same project stands in the configuration of the whole. */
export default defineConfig({
  plugins: [react()],
  test: {
    name: 'renderer',
    root: import.meta.dirname,
    include: ['**/*.test.{ts,tsx}'],
    environment: 'happy-dom',
    // A failed query would print the whole page.
    env: { DEBUG_PRINT_LIMIT: '0' },
    maxWorkers: 2,
    restoreMocks: true,
    testTimeout: 20_000
  }
})
