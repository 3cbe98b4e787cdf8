import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Settings } from '../../src-main/contract/settings.ts'
import { LarderError } from '../../src-main/lib/errors.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { createOriginClient } from '../../src-main/origin/origin-client.ts'
import { mutateBytes, SeededRandom } from '../../src-main/testing/mutate.ts'
import { isExpected } from '../fuzz-targets.ts'

const BODY = Buffer.from('what lies there, and is not long. '.repeat(40))
const HEADS = [
  ['HTTP/1.1 200 OK', 'ETag: "v1"', `Content-Length: ${BODY.length}`],
  [
    'HTTP/1.1 200 OK',
    'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT',
    'Date: Thu, 01 Jan 2026 00:00:00 GMT',
    `Content-Length: ${BODY.length}`
  ],
  ['HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Transfer-Encoding: chunked'],
  ['HTTP/1.0 200 OK', 'Content-Type: text/plain'],
  ['HTTP/1.1 203 Non-Authoritative Information', 'Content-Encoding: utf-8', `Content-Length: ${BODY.length}`],
  ['HTTP/1.1 302 Found', 'Location: /there', 'Content-Length: 0'],
  ['HTTP/1.1 503 Busy', 'Retry-After: 1', 'Content-Length: 0']
]
const LIMIT_MS = 60_000
const AT_ONCE = 24

/** One answer of a server, always the same, almost what HTTP has it: as raw bytes. */
function rawAnswer(seed: number): { head: Buffer; body: Buffer } {
  const random = new SeededRandom(seed)
  const fields = random.of(HEADS)
  const text = [...fields, 'Connection: close', '', ''].join(random.below(8) === 0 ? '\n' : '\r\n')
  const head =
    random.below(4) === 0
      ? Buffer.from(text)
      : mutateBytes(Buffer.from(text), Buffer.from(random.of(HEADS).join('\r\n')), random)
  const chunked = fields.some((field) => field.startsWith('Transfer'))
  const whole = chunked
    ? Buffer.concat([Buffer.from(`${BODY.length.toString(16)}\r\n`), BODY, Buffer.from('\r\n0\r\n\r\n')])
    : BODY
  return { head, body: random.below(5) === 0 ? whole.subarray(0, random.below(whole.length)) : whole }
}

export interface BesideCurl {
  readonly answers: number
  /** Both have it, and the same bytes. */
  readonly alike: number
  /** Larder ended with a code; `curlHad`: where curl ended with 0. */
  readonly refused: number
  readonly curlHad: number
  /** The codes of those, and how many of each. */
  readonly codes: Readonly<Record<string, number>>
  /** Larder has bytes where curl ended with an error. */
  readonly more: number
  readonly wrong: { readonly seed: number; readonly problem: string }[]
}

/**
 * Downloads from real sockets that answer with mutated bytes, each by Larder and by curl, which has to be there.
 * @param tell hears what curl had and Larder did not
 */
export async function besideCurl(from: number, untilMs: number, tell?: (line: string) => void): Promise<BesideCurl> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'larder-curl-'))
  let answers = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      answers++
      const [method, target = ''] = data.toString('latin1').split(' ')
      const { head, body } = rawAnswer(Number(/\d+/.exec(target)?.[0] ?? 0))
      socket.write(head)
      if (method !== 'HEAD') socket.write(body)
      socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/fuzz',
    random: () => 0,
    stallMs: 500
  })
  const codes: Record<string, number> = {}
  const counts = { alike: 0, refused: 0, curlHad: 0, more: 0 }
  const wrong: { seed: number; problem: string }[] = []
  let next = from
  const work = async (): Promise<void> => {
    while (performance.now() < untilMs) await play(next++)
  }
  const play = async (seed: number): Promise<void> => {
    const file = path.join(dir, String(seed))
    const url = `http://127.0.0.1:${port}/${seed}`
    const startedMs = performance.now()
    const mine = await download(client, url).catch((error: unknown) => error)
    if (performance.now() - startedMs > LIMIT_MS) wrong.push({ seed, problem: 'did not end in time' })
    if (!Buffer.isBuffer(mine)) {
      if (!isExpected(mine)) wrong.push({ seed, problem: String((mine as Error).stack) })
      counts.refused++
    }
    const args = ['-s', '-f', '-L', '--max-redirs', '10', '--max-time', '10', '-o', file, url]
    const code = await new Promise<number>((resolve) =>
      execFile('curl', args, (error) => resolve(error === null ? 0 : Number(error.code ?? 1)))
    )
    if (code === 0) {
      const theirs = await readFile(file).catch(() => Buffer.alloc(0))
      if (!Buffer.isBuffer(mine)) {
        counts.curlHad++
        const code = mine instanceof LarderError ? mine.code : 'thrown'
        codes[code] = (codes[code] ?? 0) + 1
        tell?.(`${seed} ${code} ${JSON.stringify(rawAnswer(seed).head.toString('latin1'))}`)
      } else if (mine.equals(theirs)) counts.alike++
      else wrong.push({ seed, problem: `${mine.length} bytes beside curl's ${theirs.length}` })
    } else if (Buffer.isBuffer(mine)) counts.more++
    await rm(file, { force: true })
  }
  // Most of the time is pauses before something is asked again.
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await client.close()
  server.close()
  await rm(dir, { recursive: true, force: true })
  return { answers, ...counts, codes, wrong }
}

async function download(client: ReturnType<typeof createOriginClient>, url: string): Promise<Buffer> {
  const answer = await client.probe(url, {})
  if (answer.status !== 'version') throw new Error('unchanged, though nothing is kept')
  const { version } = answer
  const chunks: Buffer[] = []
  for await (const chunk of await client.open(version, { start: 0, end: version.lengthBytes }, {})) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  if (version.lengthBytes !== null && bytes.length !== version.lengthBytes)
    throw new LarderError('ORIGIN_PROTOCOL', 'The origin announced another length', {})
  return bytes
}
