// npm start: the tray application. npm run dev: the same with reload (--dev).
import { spawn } from 'node:child_process'
import path from 'node:path'
import { build } from './bundles.ts'
import { findElectron } from './electron-binary.ts'
import { root } from './steps.ts'

const args = process.argv.slice(2)
const { version, binary } = findElectron()

if (args.includes('--dev')) {
  dev()
} else if (binary === null) {
  process.stderr.write(
    `The tray application needs Electron ${version}, which is not on this machine ("npx install-electron --no" fetches it); without it run: npm run agent\n`
  )
  process.exitCode = 1
} else if (await build('app')) {
  run(binary, ['.', ...args])
} else {
  process.exitCode = 1
}

/** Changes of the window show at once; those of anything else start the application again. */
function dev(): void {
  const electronVite = [path.join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'dev', '--watch']
  if (binary !== null) return run(process.execPath, electronVite)
  const debuggingPort = process.env['REMOTE_DEBUGGING_PORT'] ?? '9223'
  const hasDisplay = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'])
  process.stderr.write(
    `Electron ${version} is not on this machine: the application runs on the test host, its window in Chromium, without a tray.\n` +
      (hasDisplay
        ? ''
        : `There is no display, so the window is not shown; look at it with the tools of another Chromium (chrome://inspect, 127.0.0.1:${debuggingPort}).\n`)
  )
  run(process.execPath, electronVite, {
    ELECTRON_EXEC_PATH: path.join(root, 'e2e', 'host', 'bin', 'electron'),
    ...(hasDisplay ? { LARDER_HOST_HEADED: '1' } : { REMOTE_DEBUGGING_PORT: debuggingPort })
  })
}

function run(command: string, commandArgs: readonly string[], env: Record<string, string> = {}): void {
  const child = spawn(command, commandArgs, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  // From a terminal the child gets the interrupt itself.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.once('exit', (code) => (process.exitCode = code ?? 1))
}
