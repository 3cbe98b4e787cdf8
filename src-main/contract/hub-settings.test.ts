import { expect, test } from 'vitest'
import { HubUrl, ListenAt } from './hub-settings.ts'

const taken = (schema: typeof HubUrl, texts: readonly string[]) =>
  texts.filter((text) => schema.safeParse(text).success)

test('a hub is at a port that there is', () => {
  const good = ['larder://hub', 'larder://hub:1', 'larder://[fd00::1]:65535/', 'https://hub:9999/a/', 'srv:_x._tcp.a.b']
  expect(taken(HubUrl, good)).toEqual(good)
  const bad = ['larder://hub:0', 'larder://hub:65536', 'larder://hub:70000', 'https://hub:99999/', 'larder://hub:']
  expect(taken(HubUrl, bad)).toEqual([])
})

test('what listens does so at a port that there is, or at any', () => {
  const good = ['127.0.0.1:0', '[::1]:4728', 'localhost:10000', '0.0.0.0:65535', '0.0.0.0:59999']
  expect(taken(ListenAt, good)).toEqual(good)
  expect(taken(ListenAt, ['127.0.0.1:65536', '127.0.0.1:99999', '127.0.0.1', '127.0.0.1:', ':1'])).toEqual([])
})
