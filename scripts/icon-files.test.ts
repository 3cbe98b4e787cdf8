import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { icns, ico } from './icon-files.ts'

const assets = path.join(path.dirname(import.meta.dirname), 'assets')
const png = (size: number): Buffer => {
  const bytes = Buffer.alloc(40 + size)
  bytes.writeUInt32BE(0x89504e47)
  bytes.writeUInt32BE(size, 16)
  return bytes
}

describe('an .ico', () => {
  test('names each picture where it lies', () => {
    const bytes = ico(
      new Map([
        [256, png(256)],
        [16, png(16)]
      ])
    )
    expect(bytes.readUInt16LE(4)).toBe(2)
    for (const [at, size] of [16, 256].entries()) {
      const entry = 6 + 16 * at
      expect(bytes.readUInt8(entry)).toBe(size % 256)
      const offset = bytes.readUInt32LE(entry + 12)
      expect(bytes.subarray(offset, offset + bytes.readUInt32LE(entry + 8))).toEqual(png(size))
    }
  })

  test('has no picture larger than the format can say', () => {
    expect(() => ico(new Map([[512, png(512)]]))).toThrow(RangeError)
  })
})

describe('an .icns', () => {
  const sizes = [32, 64, 128, 256, 512, 1024]

  test('is as long as it says, down to each part', () => {
    const bytes = icns(new Map(sizes.map((size) => [size, png(size)])))
    expect(bytes.toString('latin1', 0, 4)).toBe('icns')
    expect(bytes.readUInt32BE(4)).toBe(bytes.length)
    let at = 8
    let parts = 0
    for (; at < bytes.length; parts++) at += bytes.readUInt32BE(at + 4)
    expect(at).toBe(bytes.length)
    expect(parts).toBe(8)
  })

  test('needs every size', () => {
    expect(() => icns(new Map([[32, png(32)]]))).toThrow(RangeError)
  })
})

describe('the icons', () => {
  test('are there in every form for every state of the tray', () => {
    for (const state of ['idle', 'downloading', 'serving', 'paused', 'off', 'error']) {
      for (const form of ['.png', '@2x.png', '-Template.png', '-Template@2x.png', '.ico']) {
        expect(existsSync(path.join(assets, 'tray', `tray-${state}${form}`)), `tray-${state}${form}`).toBe(true)
      }
      const [small, large] = ['', '@2x'].map((scale) =>
        readFileSync(path.join(assets, 'tray', `tray-${state}-Template${scale}.png`)).readUInt32BE(16)
      )
      expect([small, large]).toEqual([16, 32])
    }
    expect(readdirSync(path.join(assets, 'source'))).toHaveLength(13)
  })
})
