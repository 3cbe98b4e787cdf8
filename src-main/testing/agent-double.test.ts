import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentKey } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { settingsInMemory } from '../settings/live-settings.ts'
import { describeAgent } from './agent-compliance.ts'
import { AgentDouble } from './agent-double.ts'
import { keptLog } from './kept-log.ts'

describeAgent('double of the agent', async (policy) => {
  const dir = await mkdtemp(join(tmpdir(), 'larder-double-'))
  const agent = new AgentDouble(
    { dataDir: dir, name: 'pc', settings: settingsInMemory(Settings.parse({}), systemClock, policy) },
    { clock: systemClock, log: keptLog(), env: {} }
  )
  const answers = new Map<string, (id: Parameters<AgentDouble['finish']>[0]) => void>()
  agent.onRequest = ({ id, url }) => answers.get(url)?.(id)
  let made = 0
  const at = (name: string, answer: (id: Parameters<AgentDouble['finish']>[0]) => void): string => {
    const url = `http://origin.test/${name}-${made++}`
    answers.set(url, answer)
    return url
  }
  return {
    agent,
    outside: dir,
    good: (data) => at('good', (id) => agent.finish(id, data)),
    slow: () => {
      const running = new Set<Parameters<AgentDouble['finish']>[0]>()
      const url = at('slow', (id) => {
        running.add(id)
        agent.runTransfer(`sha256:${'5'.repeat(64)}` as ContentKey)
        agent.update(id, { state: 'active' })
      })
      const finish = () => {
        for (const id of running)
          if (!['cancelled', 'failed'].includes(agent.requestView(id).state)) agent.finish(id, Buffer.from('slow'))
      }
      return { url, finish }
    },
    missing: () => at('missing', (id) => agent.fail(id, new LarderError('ORIGIN_NOT_FOUND', 'It is not there'))),
    clean: () => rm(dir, { recursive: true, force: true })
  }
})
