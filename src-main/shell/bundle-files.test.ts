import fc from 'fast-check'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerBundleRequest, filePath } from './bundle-files.ts'

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
    expect((await ask('app://bundle/assets/a%20b.js')).headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  })

  test('is not served under another host, by another method, or by an unknown type', async () => {
    expect((await ask('app://other/index.html')).status).toBe(404)
    expect((await ask('app://bundle/index.html', 'POST')).status).toBe(404)
    expect((await ask('app://bundle/key.pem')).status).toBe(404)
    expect((await ask('app://bundle/assets')).status).toBe(404)
    expect(await (await ask('app://bundle/index.html', 'HEAD')).text()).toBe('')
  })

  test('ends at its folder', async () => {
    for (const path of ['..%2fsecret.js', '%2e%2e/secret.js', 'assets/..%2f..%2fsecret.js', '..%5csecret.js', '..%2frenderer-other%2fx.js', '%00.js', '%zz']) {
      const { status } = await ask(`app://bundle/${path}`)
      expect([400, 404], path).toContain(status)
    }
  })

  test('never names a path outside, whatever is asked for', () => {
    const piece = fc.constantFrom('..', '.', '%2e%2e', '%2f', '%5c', '\\', '/', '//', 'a', '%00', 'assets', '~', 'C:', '%')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = filePath(root, `/${pieces.join('')}`)
        if (path === null) return
        const inside = relative(root, resolve(path))
        expect(inside === '' || inside.split(sep)[0] === '..').toBe(false)
      })
    )
  })

  test('does not say more of a broken link than that there is nothing', async ({ skip }) => {
    skip(process.platform === 'win32', 'links need a special right on Windows')
    symlinkSync('/nowhere/x', join(root, 'broken.js'))
    expect((await ask('app://bundle/broken.js')).status).toBe(404)
  })
})
