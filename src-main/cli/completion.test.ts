import { spawnSync } from 'node:child_process'
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

test.skipIf(process.platform === 'win32')('the script for bash can be read twice in one shell', async () => {
  await run('completion', 'bash')
  const { status, stderr: errors } = spawnSync('bash', ['--norc', '-c', `${said}\n${said}`], { encoding: 'utf8' })
  expect([status, errors]).toEqual([0, ''])
})

test('a word is completed from the commands, options and choices there are', async () => {
  await run('complete', '--', 'cache', '')
  expect(said).toContain('verify\t')
  said = ''
  await run('complete', '--', 'get', '--kind', '')
  expect(said).toMatch(/resource\s[\s\S]*script/)
})
