import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@playwright/test'

test('the test host has no member that Electron has not', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    join(import.meta.dirname, 'host', 'surface.ts')
  ])
  expect(stdout.trim()).toBe('The test host has no member that Electron has not.')
})
