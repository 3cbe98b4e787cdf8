import { createServer, type Server } from 'node:http'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Browser, type BrowserContext, type Page } from '@playwright/test'
import { build } from 'vite'
import { PAGE_POLICY } from '../../src-main/contract/page-policy.ts'
import { keyboardWalks } from './keyboard.ts'
import { axeFindings, cutTexts, motion } from './picture-checks.ts'
import { pictures, type Picture } from './pictures.ts'
import { createPngPress } from './png-press.ts'

/**
 * Draws the window on fixture data in Chromium and looks at it: pictures, accessibility, cut texts, motion, the keyboard. How fast it is
 * is measured by `npm run bench:window`.
 *
 *     node src-renderer/testing/look.ts                    every view and state, also in sizes and contrasts that are only checked
 *     node src-renderer/testing/look.ts --kept             only those that are kept in the repository
 *     node src-renderer/testing/look.ts downloads          only those whose name has that in it; several words: any of them
 *     node src-renderer/testing/look.ts --keyboard         only the keyboard
 *
 * Pictures go to a new temporary folder, whose name is printed, or to --out. With --kept and --out and no words, pictures of earlier runs go.
 */

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/** Serves a folder on loopback with the headers the shell sends. */
async function serve(folder: string): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname))
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    if (!file.startsWith(folder + sep)) return void response.writeHead(404).end()
    readFile(file).then(
      (bytes) =>
        response
          .writeHead(200, {
            'content-type': types[extname(file)] ?? 'application/octet-stream',
            'content-security-policy': PAGE_POLICY,
            'cache-control': 'no-store'
          })
          .end(bytes),
      () => response.writeHead(404).end()
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/testing/index.html` }
}

async function contextFor(
  browser: Browser,
  { width, height, theme }: Pick<Picture, 'width' | 'height' | 'theme'>
): Promise<BrowserContext> {
  return await browser.newContext({
    viewport: { width, height },
    colorScheme: theme === 'light' ? 'light' : 'dark',
    forcedColors: theme === 'contrast' ? 'active' : 'none',
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB'
  })
}

/** @returns what is wrong with it, a line each */
async function take(
  page: Page,
  base: string,
  picture: Picture,
  save: (png: Buffer) => Promise<void>
): Promise<string[]> {
  const said: string[] = []
  page.on('console', (message) =>
    ['error', 'warning'].includes(message.type()) ? said.push(message.text()) : undefined
  )
  page.on('pageerror', (error) => said.push(String(error)))
  try {
    if (picture.textPercent !== undefined) {
      const session = await page.context().newCDPSession(page)
      await session.send('Page.setFontSizes', {
        fontSizes: {
          standard: Math.round((16 * picture.textPercent) / 100),
          fixed: Math.round((13 * picture.textPercent) / 100)
        }
      })
    }
    await page.goto(`${base}?${new URLSearchParams(picture.query)}`)
    await page.locator('h1, h2, [role=status]').first().waitFor()
    await page.waitForTimeout(500)
    await picture.act?.(page)
    await page.mouse.move(2, 2)
    await page.waitForTimeout(300)
    await save(await page.screenshot())
    return [
      ...said,
      ...(await cutTexts(page)),
      ...(await motion(page)),
      ...(picture.axe === true ? await axeFindings(page) : [])
    ]
  } catch (error) {
    return [...said, String(error)]
  }
}

function report(name: string, found: readonly string[]): number {
  process.stdout.write(
    `${found.length === 0 ? 'ok  ' : 'BAD '} ${name}\n${found.map((line) => `       ${line}\n`).join('')}`
  )
  return found.length
}

async function takePictures(browser: Browser, base: string, out: string, wanted: readonly Picture[]): Promise<number> {
  const press = await createPngPress()
  let problems = 0
  for (const picture of wanted) {
    const context = await contextFor(browser, picture)
    const found = await take(await context.newPage(), base, picture, (png) =>
      writeFile(join(out, `${picture.name}.png`), picture.kept === true ? press(png) : png)
    )
    problems += report(picture.name, found)
    await context.close()
  }
  return problems
}

async function walkByKeyboard(browser: Browser, base: string): Promise<number> {
  let problems = 0
  for (const { name, query, walk } of keyboardWalks) {
    const context = await contextFor(browser, { width: 900, height: 600, theme: 'light' })
    const page = await context.newPage()
    try {
      await page.goto(`${base}?${new URLSearchParams(query)}`)
      await page.locator('h1').waitFor()
      problems += report(`by keyboard: ${name}`, await walk(page))
    } catch (error) {
      problems += report(`by keyboard: ${name}`, [String(error)])
    }
    await context.close()
  }
  return problems
}

const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    kept: { type: 'boolean', default: false },
    keyboard: { type: 'boolean', default: false },
    out: { type: 'string' }
  }
})
const work = await mkdtemp(join(tmpdir(), 'larder-look-'))
const out = options.out ?? work
await mkdir(out, { recursive: true })
const wanted = options.keyboard
  ? []
  : pictures().filter(
      ({ name, kept }) =>
        (words.length === 0 || words.some((word) => name.includes(word))) && (kept === true || !options.kept)
    )
if (options.kept && options.out !== undefined && words.length === 0)
  for (const name of await readdir(out)) if (name.endsWith('.png')) await rm(join(out, name))
const site = join(work, 'site')
await build({
  configFile: join(import.meta.dirname, '../../vite.renderer.config.ts'),
  mode: 'fixtures',
  logLevel: 'warn',
  build: { outDir: site, chunkSizeWarningLimit: 3000 }
})
const { server, url } = await serve(site)
const browser = await chromium.launch({
  executablePath: process.env.LARDER_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu']
})
try {
  const problems =
    (await takePictures(browser, url, out, wanted)) +
    (words.length === 0 && !options.kept ? await walkByKeyboard(browser, url) : 0)
  process.stdout.write(
    `${problems === 0 ? 'Nothing found.' : `${problems} problems found.`}${wanted.length > 0 ? ` Pictures: ${out}` : ''}\n`
  )
  process.exitCode = problems === 0 ? 0 : 1
} finally {
  await browser.close()
  server.close()
  await rm(site, { recursive: true, force: true })
}
