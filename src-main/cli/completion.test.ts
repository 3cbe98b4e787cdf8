import { Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { main } from './main.ts'

let said: string
beforeEach(() => {
  said = ''
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void (said += `${words.join(' ')}\n`))
})
afterEach(() => vi.restoreAllMocks())

const stderr = new Writable({ write: (_chunk, _encoding, done) => done() })
const run = (...words: string[]) => main(words, { stdout: stderr, stderr } as never)

test.each(['bash', 'zsh', 'fish', 'powershell'])(
  'there is a script for %s, which asks larder for words',
  async (shell) => {
    expect(await run('completion', shell)).toBe(0)
    expect(said).toContain('larder')
    expect(said).toContain('complete')
  }
)

test('a word is completed from the commands, options and choices there are', async () => {
  await run('complete', '--', 'cache', '')
  expect(said).toContain('verify\t')
  said = ''
  await run('complete', '--', 'get', '--kind', '')
  expect(said).toMatch(/resource\s[\s\S]*script/)
})
