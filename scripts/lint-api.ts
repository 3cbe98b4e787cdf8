// npm run lint:api: the OpenAPI document of the local API against Redocly's recommended rules, which npx fetches.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openApiDocument } from '../src-main/api/openapi-document.ts'

const LINTER = '@redocly/cli@2.77.0'
const folder = mkdtempSync(path.join(os.tmpdir(), 'larder-openapi-'))
try {
  writeFileSync(path.join(folder, 'openapi.json'), JSON.stringify(await openApiDocument(), null, 2))
  const args = ['--yes', LINTER, 'lint', 'openapi.json', '--extends', 'recommended', '--format', 'json']
  // The document is looked at in a folder without settings, where no newer version is asked for.
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const { stdout, stderr, error } = spawnSync('npx', args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    shell: process.platform === 'win32'
  })
  if (error) throw error
  const report = /\{[\s\S]*\}/.exec(stdout)?.[0]
  if (report === undefined) throw new Error(`Redocly did not report: ${stderr}`)
  const { problems } = JSON.parse(report) as { problems: { severity: string; ruleId: string; message: string }[] }
  for (const { severity, ruleId, message } of problems) process.stdout.write(`${severity} ${ruleId}: ${message}\n`)
  process.stdout.write(`${problems.length} problems\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}
