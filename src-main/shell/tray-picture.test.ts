import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { trayStates } from './tray-menu.ts'
import { trayPicture } from './tray-picture.ts'

const dir = join(import.meta.dirname, '../../assets/tray')
const pngSize = (path: string): number => readFileSync(path).readUInt32BE(16)
const twice = (path: string): string => path.replace(/\.png$/, '@2x.png')

describe('the tray', () => {
  test('has a picture of its own for each state on each system', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      const pictures = trayStates.map((state) => readFileSync(trayPicture(dir, state, platform)).toString('base64'))
      expect(new Set(pictures).size, platform).toBe(trayStates.length)
    }
  })

  test('has it once more in twice the size where the system asks for that', () => {
    for (const [platform, size] of [
      ['linux', 24],
      ['darwin', 16]
    ] as const) {
      for (const state of trayStates) {
        const path = trayPicture(dir, state, platform)
        expect([pngSize(path), pngSize(twice(path))], path).toEqual([size, 2 * size])
      }
    }
  })

  test('gives macOS templates, which the system finds by their name', () => {
    expect(trayPicture('/a', 'off', 'darwin')).toBe(join('/a', 'tray-off-Template.png'))
  })
})
