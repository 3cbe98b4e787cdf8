import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RequestSpec, type RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { describeDownloads, requestNamed, showDownloads } from './downloads.ts'
import { checkOutput } from '../testing/check-output.ts'
import { main } from './main.ts'
import { Output } from './output.ts'
import { ScreenPart } from './screen-part.ts'
import { fitted, formatTable } from './table.ts'

let rig: AgentRig
let ids: Record<'running' | 'waiting' | 'done' | 'failed', RequestView['id']>
const url = (name: string) => `http://origin.test/a/rather/long/path/to/the/file/called/${name}.bin`

beforeAll(async () => void (rig = await startAgentRig({ name: 'pc-1' })))
afterAll(() => rig.close())
beforeEach(() => {
  for (const { id } of rig.double.requests()) rig.double.cancel(id)
  const ask = (name: string) => rig.double.request(RequestSpec.parse({ url: url(name) })).id
  ids = {
    running: ask('running'),
    waiting: ask('waiting'),
    done: ask('done'),
    failed: ask('failed')
  }
  rig.double.update(ids.running, {
    state: 'active',
    lengthBytes: 1000,
    haveBytes: 500,
    rateBytesPerSecond: 100,
    role: 'follower',
    split: { originBytes: 0, peerBytes: 500, cacheBytes: 0 }
  })
  rig.double.update(ids.waiting, { state: 'waiting', waitingFor: { what: 'slot', ahead: 2 } })
  rig.double.finish(ids.done, Buffer.from('content'))
  rig.double.fail(ids.failed, new LarderError('ORIGIN_NOT_FOUND', 'It is not there'))
})

function terminal(options: { isTTY?: boolean; columns?: number; rows?: number } = {}) {
  let text = ''
  const stream = Object.assign(
    new Writable({ write: (chunk, _encoding, done) => ((text += String(chunk)), done()) }),
    options
  )
  return { stream, text: () => text }
}

async function larder(...args: string[]) {
  const [stdout, stderr] = [terminal(), terminal()]
  const code = await main([...args, '--data-dir', rig.dataDir], { stdout: stdout.stream, stderr: stderr.stream })
  checkOutput(args, stdout.text())
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

describe('larder downloads', () => {
  test('those that run come first, with what they wait for; each with an id that other commands take', async () => {
    const { stdout } = await larder('downloads')
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^ID +STATE +DONE +RATE +LEFT +FROM +ASKED BY +URL$/)
    expect(lines[1]).toMatch(/^r-[0-9a-f]{6} +Downloading +50 % of 1000 B +100 B\/s +5 s +peers +http.*running\.bin$/)
    expect(lines[2]).toMatch(/^r-[0-9a-f]{6} +Waiting, 3rd .*waiting\.bin$/)
    expect(stdout).toMatch(/Failed .*ORIGIN_NOT_FOUND .*failed\.bin/)
    expect(stdout).toMatch(/Done +7 B .*origin .*done\.bin/)
  })

  test('with --json it is the requests of the API', async () => {
    const { requests } = JSON.parse((await larder('downloads', '--json')).stdout)
    expect(requests.map((one: RequestView) => one.id)).toEqual(expect.arrayContaining(Object.values(ids)))
  })

  test('--clear empties the list of what has ended and leaves what runs', async () => {
    const { stdout } = await larder('downloads', '--clear')
    expect(stdout).toMatch(/^\d+ ended downloads removed from the list\.$/m)
    expect(rig.double.requests().map(({ id }) => id)).toEqual([ids.running, ids.waiting])
    const { stdout: again } = await larder('downloads', '--clear', '--json')
    expect(JSON.parse(again)).toEqual({ removed: 0 })
    expect((await larder('downloads', '--clear', '--all')).code).not.toBe(0)
  })

  test('a line fits the terminal, and the end of the URL stays', () => {
    for (const columns of [80, 100, 120, 140, 160]) {
      const { stream } = terminal({ isTTY: true, columns })
      const output = new Output(false, { stdout: stream, stderr: stream })
      const lines = describeDownloads(rig.double.requests(), true, output).split('\n').map(stripVTControlCharacters)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
      expect(lines[1]).toMatch(/ning\.bin$/)
    }
  })

  test('only the newest that ended are listed; how many more is said', () => {
    const view = rig.double.requestView(ids.done)
    const many = Array.from({ length: 25 }, (_, n) => ({ ...view, finishedAt: n, url: `http://origin.test/${n}` }))
    const { stream } = terminal()
    const output = new Output(false, { stdout: stream, stderr: stream })
    expect(describeDownloads(many, false, output)).toContain('and 15 earlier downloads; --all lists them')
    expect(describeDownloads(many, false, output).split('\n')[1]).toMatch(/\/24$/)
    expect(describeDownloads(many, true, output).split('\n')).toHaveLength(26)
  })

  test('watched without a terminal each change of state is one line, until the agent ends', async () => {
    const own = await startAgentRig({ name: 'pc-2' })
    const asked = own.double.request(RequestSpec.parse({ url: url('watched') }))
    const { stream, text } = terminal()
    const output = new Output(false, { stdout: stream, stderr: stream })
    const watching = showDownloads({ dataDir: own.dataDir, watch: true }, output).catch(() => {})
    const said = (state: string) => expect.poll(text).toContain(state)
    const tell = () => own.double.change({})
    own.double.update(asked.id, { state: 'active', lengthBytes: 10 })
    tell()
    await said('Downloading')
    own.double.update(asked.id, { state: 'active', haveBytes: 4 })
    tell()
    own.double.finish(asked.id, Buffer.from('0123456789'))
    tell()
    await said('Done')
    await own.close()
    await watching
    expect(text().match(/Downloading/g)).toHaveLength(1)
  })
})

describe('cancel, pause and resume one download', () => {
  test('by the start of its id', async () => {
    const start = ids.running.slice(0, 8)
    expect((await larder('pause', start)).stdout).toContain(`${start} paused: ${url('running')}`)
    expect(rig.double.requestView(ids.running).state).toBe('paused')
    expect(rig.double.snapshot().paused).toBeNull()
    expect((await larder('resume', start.slice(2))).code).toBe(0)
    expect(rig.double.requestView(ids.running).state).not.toBe('paused')
    expect((await larder('cancel', start)).stdout).toContain('cancelled')
    expect(rig.double.requestView(ids.running).state).toBe('cancelled')
    expect(rig.double.requestView(ids.waiting).state).toBe('waiting')
  })

  test('a name that fits none changes nothing, although others fit', async () => {
    const { code, stderr } = await larder('cancel', ids.running, 'r-00000000')
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining('NOT_FOUND')])
    expect(code).not.toBe(0)
    expect(rig.double.requestView(ids.running).state).toBe('active')
  })

  test('a start that fits several is refused; so is one too short to mean anything', () => {
    const twins = ['r-abcd0001', 'r-abcd0002'].map((id) => ({
      ...rig.double.requestView(ids.running),
      id: id as never
    }))
    expect(() => requestNamed('r-abcd', twins)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    expect(requestNamed('abcd0002', twins)).toBe(twins[1])
    expect(() => requestNamed('ab', twins.slice(0, 1))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    expect(() => requestNamed('', twins.slice(0, 1))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  test('all at once, and never by mistake', async () => {
    expect((await larder('cancel')).code).not.toBe(0)
    expect(rig.double.requestView(ids.running).state).toBe('active')
    expect((await larder('cancel', '--all')).code).toBe(0)
    expect(rig.double.requestView(ids.running).state).toBe('cancelled')
    expect(rig.double.requestView(ids.waiting).state).toBe('cancelled')
    expect((await larder('cancel', '--all')).stdout).toBe('No download is running.\n')
  })

  test('a time limit is for all transfers only', async () => {
    expect((await larder('pause', ids.running, '--for', '1h')).code).not.toBe(0)
    expect(rig.double.requestView(ids.running).state).toBe('active')
  })
})

describe('larder events', () => {
  const types = async (...args: string[]) =>
    (await larder('events', '--json', ...args)).stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).type)

  test('are chosen by kind, by how many, by time and by whether something went wrong', async () => {
    expect(new Set(await types('--kind', 'requestFailed,requestDone'))).toEqual(
      new Set(['requestFailed', 'requestDone'])
    )
    expect(await types('--last', '2')).toHaveLength(2)
    expect(await types('--errors', '--last', '1')).toEqual(['requestFailed'])
    expect((await types('--since', '1h')).length).toBeGreaterThan(2)
    const { seq } = rig.double.events(0).at(-1)!
    expect(await types('--since', String(seq - 1))).toHaveLength(1)
    expect(await types('--since', String(seq))).toEqual([])
  })

  test('a kind that does not exist is refused with those that do', async () => {
    const { code, stderr } = await larder('events', '--kind', 'requestBroken')
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining('requestFailed')])
    expect(code).not.toBe(0)
  })
})

describe('a table', () => {
  test('is shortened in the middle of one column until it fits', () => {
    const long = `http://origin.test/${'x'.repeat(100)}/setup.msi`
    const text = formatTable(['N', 'URL'], [['1', long]], { shorten: 'URL', width: 40 })
    expect(text.split('\n')[1]).toHaveLength(40)
    expect(text).toMatch(/http:\/\/.*….*setup\.msi$/)
    expect(formatTable(['N', 'URL'], [['1', long]], { shorten: 'URL' })).toContain(long)
    expect(fitted('short', 12)).toBe('short')
  })

  test('colours do not move columns', () => {
    const plain = formatTable(
      ['A', 'B'],
      [
        ['one', 'x'],
        ['eleven', 'y']
      ]
    )
    const red = (text: string) => `\u001b[31m${text}\u001b[39m`
    expect(
      stripVTControlCharacters(
        formatTable(
          ['A', 'B'],
          [
            ['one', 'x'],
            ['eleven', 'y']
          ],
          { paint: { A: red } }
        )
      )
    ).toBe(plain)
  })

  test('a program that reads gets no colours and whole lines', () => {
    const { stream } = terminal()
    const output = new Output(false, { stdout: stream, stderr: stream })
    expect(output.width).toBe(Infinity)
    expect(output.paint('red', 'text')).toBe('text')
  })
})

test('a part of the screen goes back over all rows it took, wrapped lines included', () => {
  const { stream, text } = terminal({ isTTY: true, columns: 10, rows: 6 })
  const screen = new ScreenPart(stream)
  screen.draw(`${'x'.repeat(25)}\nshort\nleft\nout`)
  expect(text()).toBe(`${'x'.repeat(25)}\nshort\nleft\n`)
  screen.draw('next')
  expect(text()).toContain('\u001b[5A')
})
