import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dnsSuffixes, domainsOfRegistry, searchedIn } from './dns-suffixes.ts'

test('the DNS suffixes of a PC are those of its name, its domain and its resolver, each once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'larder-dns-'))
  const file = join(dir, 'resolv.conf')
  await writeFile(file, '# x\nnameserver 10.0.0.1\nsearch example.org lab.example.org local\n')
  expect(
    await dnsSuffixes({
      file,
      host: 'pc-7.lab.example.org.',
      env: { USERDNSDOMAIN: 'AD.EXAMPLE.ORG' },
      platform: 'linux'
    })
  ).toEqual(['lab.example.org', 'ad.example.org', 'example.org'])
  expect(await dnsSuffixes({ file: join(dir, 'none'), host: 'pc-7', env: {}, platform: 'linux' })).toEqual([])
  await rm(dir, { recursive: true })
})

const printed = [
  '',
  String.raw`HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters`,
  String.raw`    DataBasePath    REG_EXPAND_SZ    %SystemRoot%\System32\drivers\etc`,
  '    Domain    REG_SZ    ad.example.org',
  '    NV Domain    REG_SZ    ad.example.org',
  '    Hostname    REG_SZ    pc-7',
  '    IPEnableRouter    REG_DWORD    0x0',
  '    SearchList    REG_SZ    example.org,lab.example.org',
  '    DhcpDomain    REG_SZ    floor2.example.org',
  ''
].join('\r\n')

test('of a Windows PC they are those of its registry, also where nobody is signed in', async () => {
  const ran: unknown[] = []
  const run = async (...asked: unknown[]) => {
    ran.push(asked)
    return printed
  }
  const env = { SystemRoot: String.raw`D:\Windows` }
  expect(await dnsSuffixes({ platform: 'win32', host: 'PC-7', env, run })).toEqual([
    'ad.example.org',
    'floor2.example.org',
    'example.org',
    'lab.example.org'
  ])
  expect(ran).toEqual([
    [
      String.raw`D:\Windows\System32\reg.exe`,
      ['query', String.raw`HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters`]
    ]
  ])
  const failed = { platform: 'win32', host: 'PC-7', run: async () => undefined } as const
  expect(await dnsSuffixes({ ...failed, env: { USERDNSDOMAIN: 'AD.EXAMPLE.ORG' } })).toEqual(['ad.example.org'])
})

test('of a registry only names of domains count', () => {
  expect(domainsOfRegistry('    Domain    REG_SZ    \r\n    SearchList    REG_SZ    \r\n')).toEqual([])
  expect(domainsOfRegistry('    Domain    REG_SZ    WORKGROUP\r\n    DhcpDomain    REG_SZ    fritz.box\r\n')).toEqual([
    'fritz.box'
  ])
  expect(domainsOfRegistry('')).toEqual([])
})

test('of several lines the last one counts, and what is no domain does not', () => {
  expect(searchedIn('search a.b\ndomain c.d\n')).toEqual(['c.d'])
  expect(searchedIn('search localdomain lan .\n')).toEqual([])
  expect(searchedIn('')).toEqual([])
})
