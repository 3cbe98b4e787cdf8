// npx node scripts/run.mjs scripts/icons.ts: draws every icon of assets/ from its SVG in assets/source/. The results are committed.
import { chromium, type Page } from '@playwright/test'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { findChromium } from '../e2e/host/browser.ts'
import { icns, ico } from './icon-files.ts'

const root = path.dirname(import.meta.dirname)
const source = path.join(root, 'assets', 'source')
const assets = path.join(root, 'assets')
const tray = path.join(assets, 'tray')

const executablePath = findChromium()
if (executablePath === null) {
  process.stderr.write('Drawing icons needs a Chromium; there is none on this machine.\n')
  process.exit(1)
}
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
const page = await browser.newPage()
mkdirSync(tray, { recursive: true })
for (const file of readdirSync(source).toSorted()) {
  const svg = readFileSync(path.join(source, file), 'utf8')
  const name = path.basename(file, '.svg')
  if (name === 'icon') await drawAppIcon(svg)
  else if (name.endsWith('-Template')) await writePngs(svg, name, 16)
  else {
    await writePngs(svg, name, 24)
    writeFileSync(path.join(tray, `${name}.ico`), ico(await draw(svg, [16, 20, 24, 32, 40, 48, 64])))
  }
}
await browser.close()

async function drawAppIcon(svg: string): Promise<void> {
  const pngs = await draw(svg, [16, 24, 32, 48, 64, 128, 256, 512, 1024])
  writeFileSync(path.join(assets, 'icon.png'), pngs.get(512)!)
  writeFileSync(path.join(assets, 'icon.ico'), ico(new Map([...pngs].filter(([size]) => size <= 256))))
  writeFileSync(path.join(assets, 'icon.icns'), icns(pngs))
}

/** `name.png` of this many pixels, and `name@2x.png`. */
async function writePngs(svg: string, name: string, size: number): Promise<void> {
  const pngs = await draw(svg, [size, 2 * size])
  writeFileSync(path.join(tray, `${name}.png`), pngs.get(size)!)
  writeFileSync(path.join(tray, `${name}@2x.png`), pngs.get(2 * size)!)
}

async function draw(svg: string, sizes: readonly number[]): Promise<Map<number, Buffer>> {
  const pngs = new Map<number, Buffer>()
  for (const size of sizes) pngs.set(size, await screenshot(page, svg, size))
  return pngs
}

async function screenshot(on: Page, svg: string, size: number): Promise<Buffer> {
  await on.setViewportSize({ width: Math.max(size, 64), height: Math.max(size, 64) })
  await on.setContent(`<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`)
  return on.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } })
}
