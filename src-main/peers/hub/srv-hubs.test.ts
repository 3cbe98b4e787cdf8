import { expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { SrvHubs } from './srv-hubs.ts'

/** A text: the code that DNS fails with. */
type Answer = { name: string; port: number; priority: number }[] | string

function start(answers: Record<string, Answer | undefined>, suffixes: string[] = ['example.org']) {
  const clock = fakeClock()
  const asked: string[] = []
  const hubs = new SrvHubs({
    clock,
    suffixes: async () => suffixes,
    resolve: async (name) => {
      asked.push(name)
      const answer = answers[name] ?? 'ENOTFOUND'
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer
    }
  })
  return { clock, hubs, asked, answers }
}
const at = (name: string, priority = 0, port = 4726) => ({ name, port, priority })

test('hubs are those of the records that are named, the lowest priority first', async () => {
  const { hubs, clock, asked } = start({ '_larder-hub._tcp.corp': [at('b.corp', 20), at('a.corp', 10, 4730)] })
  hubs.configure(['_larder-hub._tcp.corp'], false)
  await clock.pass(0)
  expect(hubs.urls).toEqual(['larder://a.corp:4730', 'larder://b.corp:4726'])
  expect(asked).toEqual(['_larder-hub._tcp.corp'])
})

test('nothing is asked unless it is named or wanted', async () => {
  const { hubs, clock, asked } = start({ '_larder-hub._tcp.example.org': [at('hub.example.org')] })
  hubs.configure([], false)
  await clock.pass(4_000_000)
  expect(asked).toEqual([])
  hubs.configure([], true)
  await clock.pass(0)
  expect(hubs.urls).toEqual(['larder://hub.example.org:4726'])
  hubs.configure([], false)
  await clock.pass(0)
  expect(hubs.urls).toEqual([])
})

test('what was found stays when DNS does not answer, and goes when it says that there is none', async () => {
  const { hubs, clock, answers } = start({ '_larder-hub._tcp.example.org': [at('hub')] })
  hubs.configure([], true)
  await clock.pass(0)
  answers['_larder-hub._tcp.example.org'] = 'ETIMEOUT'
  await clock.pass(3_600_000)
  expect(hubs.urls).toEqual(['larder://hub:4726'])
  answers['_larder-hub._tcp.example.org'] = []
  await clock.pass(60_000)
  expect(hubs.urls).toEqual([])
})

test.each(['ENODATA', 'ENOTFOUND'])('%s is an answer: there are none, until the next hour', async (code) => {
  const { hubs, clock, answers, asked } = start({ x: [at('hub')] })
  hubs.configure(['x'], false)
  await clock.pass(0)
  answers['x'] = code
  await clock.pass(3_600_000)
  expect(hubs.urls).toEqual([])
  expect(asked.splice(0)).toHaveLength(2)
  await clock.pass(3_000_000)
  expect(asked).toEqual([])
})

test('each name keeps its hubs while it is not answered, whatever the others say', async () => {
  const { hubs, clock, answers } = start({ x: [at('x1')], y: [at('y1')] })
  hubs.configure(['x', 'y'], false)
  await clock.pass(0)
  answers['x'] = 'ESERVFAIL'
  answers['y'] = [at('y2')]
  await clock.pass(3_600_000)
  expect(hubs.urls).toEqual(['larder://x1:4726', 'larder://y2:4726'])
  hubs.configure(['y'], false)
  await clock.pass(0)
  expect(hubs.urls).toEqual(['larder://y2:4726'])
  hubs.configure(['x', 'y'], false)
  await clock.pass(0)
  expect(hubs.urls).toEqual(['larder://y2:4726'])
})

test('names that are none, ports that are none and too many of them are left out', async () => {
  const many = Array.from({ length: 30 }, (_, i) => at(`h${i}`, i))
  const { hubs, clock } = start({ x: [at('evil host/', 0), at('', 0), at('ok', 0, 0), ...many] })
  hubs.configure(['x'], false)
  await clock.pass(0)
  expect(hubs.urls).toEqual(['h0', 'h1', 'h2', 'h3', 'h4'].map((name) => `larder://${name}:4726`))
})
