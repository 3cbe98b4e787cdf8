import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parsePolicy } from '../src-main/settings/policy-file.ts'
import { parseUserSettings } from '../src-main/settings/user-file.ts'

const script = readFileSync(path.join(path.dirname(import.meta.dirname), 'assets', 'installer.nsh'), 'utf8')
/** What the installer writes into a file. */
const textFor = (file: string) => new RegExp(`"${file.replace('.', '\\.')}" '(\\{.*\\})'`).exec(script)![1]!

test('the policy the installer writes recommends the integration off, so that helpdesk may turn it on', () => {
  const policy = parsePolicy(textFor('policy.json'))
  expect(
    policy.ok && [
      policy.value.by,
      Object.fromEntries(policy.value.recommended),
      policy.value.values.size,
      policy.value.locked.size,
      policy.value.unknown
    ]
  ).toEqual(['the installer', { 'integration.enabled': false }, 0, 0, []])
})

test('the settings the installer writes turn the integration off', () => {
  const settings = parseUserSettings(textFor('settings.json'))
  expect(settings.ok && Object.fromEntries(settings.value.values)).toEqual({ 'integration.enabled': false })
})
