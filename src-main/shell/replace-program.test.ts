import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceProgram } from './replace-program.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-program-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('a program is replaced as a whole, with the rights of the new one', () => {
  const [from, to] = [join(dir, 'new'), join(dir, 'Larder.AppImage')]
  writeFileSync(from, 'new')
  chmodSync(from, 0o755)
  writeFileSync(to, 'old')
  writeFileSync(`${to}.part`, 'left by a power cut')
  replaceProgram(from, to)
  expect([readFileSync(to, 'utf8'), statSync(to).mode & 0o777, existsSync(`${to}.part`)]).toEqual(['new', 0o755, false])
})

test('what cannot be put in its place leaves the old one as it was', () => {
  const to = join(dir, 'Larder.AppImage')
  writeFileSync(to, 'old')
  expect(() => replaceProgram(join(dir, 'missing'), to)).toThrow('ENOENT')
  expect([readFileSync(to, 'utf8'), existsSync(`${to}.part`)]).toEqual(['old', false])
  const folder = join(dir, 'a-folder')
  mkdirSync(join(folder, 'full'), { recursive: true })
  expect(() => replaceProgram(to, folder)).toThrow(/EISDIR|ENOTEMPTY|EPERM/)
  expect([readFileSync(to, 'utf8'), existsSync(`${folder}.part`)]).toEqual(['old', false])
})
