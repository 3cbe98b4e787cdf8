import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, test, untilRunning } from './fixture.ts'

/** One call of the local API with exactly these header fields. */
function call(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>
): Promise<{ status: number | undefined; code: unknown }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, method, path, headers, setHost: false, agent: false },
      (response) => {
        let text = ''
        response.on('data', (part: Buffer) => (text += part.toString()))
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            code: text.startsWith('{') ? (JSON.parse(text) as { code?: unknown }).code : undefined
          })
        )
      }
    )
    asked.on('error', reject)
    asked.end()
  })
}

test('the application’s local API serves only programs of this user: a foreign Host or Origin and a missing or wrong token are refused', async ({
  app,
  dataDir
}) => {
  await untilRunning(app)
  const { apiPort } = JSON.parse(readFileSync(join(dataDir, 'agent.json'), 'utf8')) as { apiPort: number }
  const good = {
    host: `127.0.0.1:${apiPort}`,
    authorization: `Bearer ${readFileSync(join(dataDir, 'api-token'), 'utf8')}`
  }
  const { authorization: _token, ...withoutToken } = good
  const status = (headers: Record<string, string>) => call(apiPort, 'GET', '/v1/status', headers)

  expect(await status(good)).toEqual({ status: 200, code: undefined })
  expect(await status({ ...good, origin: `http://127.0.0.1:${apiPort}` })).toMatchObject({ status: 200 })
  expect(await status(withoutToken)).toEqual({ status: 401, code: 'TOKEN_INVALID' })
  expect(await status({ ...good, authorization: `Bearer ${'0'.repeat(64)}` })).toEqual({
    status: 401,
    code: 'TOKEN_INVALID'
  })
  const foreigners: Record<string, string>[] = [
    { host: `larder.example:${apiPort}` },
    { host: '127.0.0.1' },
    { host: `127.0.0.1:${apiPort + 1}` },
    { origin: 'https://example.com' },
    { origin: 'null' },
    { origin: 'app://bundle' },
    { 'sec-fetch-site': 'cross-site' }
  ]
  for (const foreign of foreigners) {
    expect(await status({ ...good, ...foreign }), JSON.stringify(foreign)).toEqual({ status: 403, code: 'FORBIDDEN' })
  }
  // What changes something is refused no less.
  expect(await call(apiPort, 'POST', '/v1/integration', { ...good, origin: 'https://example.com' })).toEqual({
    status: 403,
    code: 'FORBIDDEN'
  })
  expect(await app.evaluate(() => globalThis.larderE2e.life.agent().snapshot().integration.enabled)).toBe(true)
})
