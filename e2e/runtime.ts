import { dirname, join } from 'node:path'
import { findElectron } from '../scripts/electron-binary.ts'

export interface Runtime {
  readonly kind: 'electron' | 'test-host'
  readonly path: string
  /** For people: what the results are worth. */
  readonly line: string
}

/** Real Electron where its binary is, else the test host. `LARDER_E2E_RUNTIME=electron|test-host` insists on one. */
export function pickRuntime(wish: string | undefined = process.env['LARDER_E2E_RUNTIME']): Runtime {
  const { version, binary } = findElectron()
  if (binary !== null && wish !== 'test-host')
    return { kind: 'electron', path: binary, line: `end-to-end tests run on ELECTRON ${version}` }
  if (wish === 'electron')
    throw new Error(
      'LARDER_E2E_RUNTIME=electron, but the binary of Electron is not installed (npx install-electron --no)'
    )
  return {
    kind: 'test-host',
    path: join(import.meta.dirname, 'host', 'bin', 'electron'),
    line: `end-to-end tests run on the TEST HOST (Node ${process.versions.node} + Chromium), not on Electron: ${binary === null ? `its binary (${version}) is not installed` : 'as asked for'}`
  }
}

export const runtime = pickRuntime()

// Playwright starts what the package `electron` answers; with this it answers the host, and downloads nothing.
if (runtime.kind === 'test-host') process.env['ELECTRON_OVERRIDE_DIST_PATH'] = dirname(runtime.path)
