import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { launchDaemon } from './launch-daemon.ts'
import { servicePlan } from './service-plan.ts'
import { systemdUnit } from './systemd-unit.ts'

const command = ['/opt/larder 1/node', '/opt/larder 1/cli/larder.js']

test('systemd finds nothing to say about the unit', ({ skip }) => {
  skip(spawnSync('systemd-analyze', ['--version']).status !== 0, 'systemd is not installed')
  const dir = mkdtempSync(join(tmpdir(), 'larder-unit-'))
  try {
    const file = join(dir, 'larder.service')
    writeFileSync(
      file,
      systemdUnit({ command: [process.execPath], user: 'root' }).replace('Documentation=man:larder(1)\n', '')
    )
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    // A misspelt key is told there, and the exit code is 0 all the same.
    expect([status, stderr.split('\n').filter((line) => line.includes('larder.service'))]).toEqual([0, []])
    writeFileSync(
      file,
      systemdUnit({ command: [process.execPath], user: 'root' }).replace('ProtectHome', 'ProtectHoem')
    )
    expect(spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' }).stderr).toContain(
      'ProtectHoem'
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('the unit starts the agent of all users by absolute paths, also with spaces, percent and dollar in them', () => {
  expect(systemdUnit({ command, user: 'larder' })).toContain(
    'ExecStart="/opt/larder 1/node" "/opt/larder 1/cli/larder.js" agent --machine $LARDER_ARGS\n'
  )
  expect(systemdUnit({ command: ['/a%b$c'], user: 'larder' })).toContain('ExecStart=/a%%b$$c agent')
})

test('the property list of launchd is well formed and escapes what is in paths', () => {
  const text = launchDaemon({ command: ['/Applications/A & B/node'], user: '_larder' })
  expect(text).toContain(
    '<string>/Applications/A &amp; B/node</string>\n    <string>agent</string>\n    <string>--machine</string>'
  )
})

test.each(['linux', 'darwin'] as const)(
  'on %s what is written at installation is removed again, programs are named by absolute paths',
  (platform) => {
    const plan = servicePlan(platform, command)!
    const written = plan.install.flatMap((step) => (step.do === 'write' ? [step.path] : []))
    expect(written).toEqual([plan.file])
    expect(plan.uninstall).toContainEqual({ do: 'remove', path: plan.file })
    for (const step of [...plan.install, ...plan.uninstall, ...plan.purge])
      if (step.do === 'run') expect(step.command[0]).toMatch(/^\//)
    expect(plan.uninstall.filter((step) => step.do === 'remove').map(({ path }) => path)).not.toContain(
      '/var/lib/larder'
    )
  }
)

test('Windows has no service yet', () => {
  expect(servicePlan('win32', command)).toBeNull()
})
