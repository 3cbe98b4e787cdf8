import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Settings } from '../../contract/settings.ts'
import { DEFAULT_PORTS } from '../../contract/version.ts'
import { firewallRules } from './firewall-rules.ts'

const text = readFileSync(join(import.meta.dirname, '../../../docs/ports.md'), 'utf8')
const rows = text
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, port, protocol, setting]) => ({
    port: Number(port),
    protocol: protocol!,
    name: setting!.replace(/`/g, '').replace('ports.', '')
  }))

test('the table of ports has every port of the settings, with its default', () => {
  expect(Object.fromEntries(rows.map(({ name, port }) => [name, port]))).toEqual(DEFAULT_PORTS)
  expect(Object.keys(Settings.parse({}).ports).sort()).toEqual(rows.map(({ name }) => name).sort())
  expect(Settings.parse({}).ports).toEqual(DEFAULT_PORTS)
})

test('the table says which ports are for this PC only', () => {
  expect(rows.filter(({ protocol }) => protocol.includes('loopback')).map(({ name }) => name)).toEqual([
    'api',
    'gateway'
  ])
  expect(rows.find(({ name }) => name === 'beacon')!.protocol).toBe('UDP')
  expect(text).toContain(Settings.parse({}).discovery.multicastGroup)
})

test('the commands are those the doctor prints', () => {
  const lines = text.split('\n')
  const rules = firewallRules({ peer: DEFAULT_PORTS.peer, beacon: DEFAULT_PORTS.beacon })
  for (const { firewall, commands } of rules)
    for (const command of commands) expect(lines, `${firewall}: ${command}`).toContain(command)
  // And no others.
  const inDoc = lines.filter((line) => /^(sudo|netsh) /.test(line))
  expect(inDoc.length).toBe(rules.flatMap(({ commands }) => commands).length)
})
