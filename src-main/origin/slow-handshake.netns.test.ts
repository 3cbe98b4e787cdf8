import { once } from 'node:events'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NamespaceLab, whyNoLab } from '../testing/lab/namespace-lab.ts'

const MAIN = path.join(import.meta.dirname, '../testing/lab/download-main.ts')
const SERVER = `
require('node:http').createServer((_, response) => {
  response.writeHead(200, { 'Content-Length': 5, ETag: '"1"', Connection: 'close' })
  response.end('right')
}).listen(80, '10.77.1.2', () => console.log('ready'))
`
const noLab = whyNoLab()
let lab: NamespaceLab
beforeEach(async ({ skip }) => {
  skip(noLab !== null, noLab ?? '')
  lab = await NamespaceLab.open()
})
afterEach(() => lab?.close())

it('an origin whose handshake takes a second is reached, though its name has an IPv6 address without a way to it', async () => {
  await lab.addSwitch('a', '10.77.1.1/24')
  const [far, pc] = [await lab.addHost('far'), await lab.addHost('pc')]
  await far.plug('eth0', 'a', '10.77.1.2/24')
  await pc.plug('eth0', 'a', '10.77.1.3/24')
  // Systems send the first packet of a connection again after a second.
  const each = ['--hashlimit-mode', 'srcip,srcport', '--hashlimit-name', 'first']
  const first = ['-m', 'hashlimit', '--hashlimit-upto', '1/hour', '--hashlimit-burst', '1', ...each]
  await far.run('iptables', '-w', '-A', 'INPUT', '-p', 'tcp', '--syn', ...first, '-j', 'DROP')
  await once(far.spawn(process.execPath, ['-e', SERVER]).stdout!, 'data')
  const begun = performance.now()
  const out = await pc.run(process.execPath, '--no-warnings', MAIN, 'http://origin.test/f', '10.77.1.2', '2001:db8::1')
  expect(out.trim()).toBe('5')
  expect(performance.now() - begun).toBeGreaterThan(1000)
})
