import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dnsSuffixes, searchedIn } from './dns-suffixes.ts'

test('the DNS suffixes of a PC are those of its name, its domain and its resolver, each once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'larder-dns-'))
  const file = join(dir, 'resolv.conf')
  await writeFile(file, '# x\nnameserver 10.0.0.1\nsearch example.org lab.example.org local\n')
  expect(await dnsSuffixes({ file, host: 'pc-7.lab.example.org.', env: { USERDNSDOMAIN: 'AD.EXAMPLE.ORG' } })).toEqual([
    'lab.example.org',
    'ad.example.org',
    'example.org'
  ])
  expect(await dnsSuffixes({ file: join(dir, 'none'), host: 'pc-7', env: {} })).toEqual([])
  await rm(dir, { recursive: true })
})

test('of several lines the last one counts, and what is no domain does not', () => {
  expect(searchedIn('search a.b\ndomain c.d\n')).toEqual(['c.d'])
  expect(searchedIn('search localdomain lan .\n')).toEqual([])
  expect(searchedIn('')).toEqual([])
})
