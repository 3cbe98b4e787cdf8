import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Agent } from '../agent/agent.ts'
import { explain } from '../agent/why.ts'
import { RequestSpec } from '../contract/request.ts'
import { Settings } from '../contract/settings.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { RequestOwners } from './request-owners.ts'
import { UserAgents } from './user-agents.ts'

test('a user is told why a download of theirs came as it did, with what its server does; of others nothing', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'larder-users-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const double: Agent = new AgentDouble(
    { dataDir, settings: Settings.parse({}), name: 'pc' },
    { clock: fakeClock(), log: keptLog(), env: {} }
  )
  await double.start()
  double.originQuirks = () => ['no-head']
  const agents = new UserAgents(() => double, await RequestOwners.open(null))
  const [anna, ben] = ['anna', 'ben'].map((name) => agents.of({ id: name, name, admin: false })) as [Agent, Agent]
  const [annas, bens] = ['https://a.test/anna', 'https://b.test/ben'] as const
  anna.request(RequestSpec.parse({ url: annas }))
  ben.request(RequestSpec.parse({ url: bens }))
  const { downloads } = explain(bens, ben.snapshot(), ben.events(), (url) => ben.originQuirks(url))
  expect(downloads.map(({ url, originQuirks }) => [url, originQuirks.length])).toEqual([[bens, 1]])
  expect(ben.originQuirks(annas)).toEqual([])
})
