import { once } from 'node:events'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { GatheredWrites } from './gathered-writes.ts'

test('what is written in one turn goes out together, in order, and the next turn by itself', async () => {
  const calls: string[][] = []
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      calls.push([chunk as string])
      done()
    },
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => chunk as string))
      done()
    }
  })
  const gathered = new GatheredWrites(stream)
  const write = (text: string) => {
    gathered.gather()
    stream.write(text)
  }
  write('a')
  write('b')
  expect(calls).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  expect(calls).toEqual([['a', 'b']])
  write('c')
  stream.end()
  await once(stream, 'finish')
  expect(calls).toEqual([['a', 'b'], ['c']])
})
