import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerBundleRequest } from './app-bundle.ts'

let folder: string
let root: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-bundle-'))
  root = join(folder, 'renderer')
  mkdirSync(join(root, 'assets'), { recursive: true })
  writeFileSync(join(root, 'index.html'), '<!doctype html>')
  writeFileSync(join(root, 'assets', 'a b.js'), 'export {}')
  writeFileSync(join(root, 'key.pem'), 'secret')
  writeFileSync(join(folder, 'secret.js'), 'secret')
  mkdirSync(join(folder, 'renderer-other'))
  writeFileSync(join(folder, 'renderer-other', 'x.js'), 'secret')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ask = (url: string, method = 'GET') => answerBundleRequest(root, new Request(url, { method }))

describe('the bundle', () => {
  test('is served with its type and a policy that lets nothing else in', async () => {
    const page = await ask('app://bundle/')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await page.text()).toBe('<!doctype html>')
    expect((await ask('app://bundle/assets/a%20b.js')).headers.get('content-type')).toBe(
      'text/javascript; charset=utf-8'
    )
  })

  test('is not served under another host, by another method, or by an unknown type', async () => {
    expect((await ask('app://other/index.html')).status).toBe(404)
    expect((await ask('app://bundle/index.html', 'POST')).status).toBe(404)
    expect((await ask('app://bundle/key.pem')).status).toBe(404)
    expect((await ask('app://bundle/assets')).status).toBe(404)
    expect(await (await ask('app://bundle/index.html', 'HEAD')).text()).toBe('')
  })

  test('ends at its folder', async () => {
    for (const path of [
      '..%2fsecret.js',
      '%2e%2e/secret.js',
      'assets/..%2f..%2fsecret.js',
      '..%5csecret.js',
      '..%2frenderer-other%2fx.js',
      '%00.js',
      '%zz'
    ]) {
      expect((await ask(`app://bundle/${path}`)).status, path).toBe(404)
    }
  })

  test('does not say more of a broken link than that there is nothing', async ({ skip }) => {
    skip(process.platform === 'win32', 'links need a special right on Windows')
    symlinkSync('/nowhere/x', join(root, 'broken.js'))
    expect((await ask('app://bundle/broken.js')).status).toBe(404)
  })
})
