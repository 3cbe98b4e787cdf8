import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { expect, test } from 'vitest'
import { hasCode } from '../lib/errors.ts'
import { defaultCas, throughProxy } from './old-nodes.ts'

test.each(['20.20.2', '22.20.0', '23.11.0', '24.4.1'])(
  'Node %s goes past no proxy: the download is refused',
  (node) => {
    let thrown: unknown
    try {
      throughProxy('http://proxy.example:8080', node)
    } catch (error) {
      thrown = error
    }
    expect(hasCode(thrown, 'ORIGIN_UNREACHABLE')).toBe(true)
    expect((thrown as Error).message).toContain(`Node ${node}`)
  }
)

test.each(['22.21.0', '24.5.0', '26.0.0'])('Node %s is given the proxy', (node) => {
  expect(throughProxy('http://proxy.example:8080', node).proxyEnv.HTTPS_PROXY).toBe('http://proxy.example:8080')
})

test('a Node that does not name its CAs has those it comes with and those of NODE_EXTRA_CA_CERTS', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'larder-cas-'))
  try {
    const [first] = tls.rootCertificates
    await writeFile(join(dir, 'extra.pem'), `# Acme\n${first}\n`)
    expect(defaultCas(null, '')).toEqual([...tls.rootCertificates])
    expect(defaultCas(null, join(dir, 'extra.pem'))).toEqual([...tls.rootCertificates, first])
  } finally {
    await rm(dir, { recursive: true })
  }
})
