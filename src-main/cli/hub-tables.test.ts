import { expect, test } from 'vitest'
import type { HubContentView, HubMemberView, HubSiteView } from '../contract/hub-view.ts'
import { describeContents, describeMembers, describeSites } from './hub-commands.ts'

const long = 'a-very-long-name-of-a-branch-office-on-the-coast'
const big = 987_654_321_000
const site = {
  name: long,
  members: 250,
  contents: 1200,
  remembered: 45_000,
  wentAlone: 12,
  totals: { originBytes: big, peerBytes: big, cacheBytes: big, failed: 31 }
} as unknown as HubSiteView
const member = {
  name: `${long}-pc-117`,
  address: '10.200.117.201',
  site: 'north',
  version: '0.1.0',
  since: Date.UTC(2026, 10, 30)
} as unknown as HubMemberView
const content = {
  key: `site:${'a'.repeat(64)}`,
  site: 'north',
  master: `${long}-pc-117`,
  claimants: 12,
  holders: 140,
  since: Date.UTC(2026, 10, 30)
} as unknown as HubContentView

test.each([
  ['sites', (width?: number) => describeSites([site], width)],
  ['members', (width?: number) => describeMembers([member], width)],
  ['contents', (width?: number) => describeContents([content], width)]
])('the table of %s fits 80 columns, and shows whole names where a program reads it', (_, describe) => {
  for (const line of describe(80).split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  expect(describe()).toContain(long)
})

test('a wide terminal is told how many contents a site remembers', () => {
  expect(describeSites([site], 120)).toMatch(/REMEMBERED/)
  expect(describeSites([site], 120)).toMatch(/45000/)
  expect(describeSites([site], 80)).not.toMatch(/REMEMBERED/)
})
