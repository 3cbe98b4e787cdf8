import fc from 'fast-check'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMAND_CHANNEL, SNAPSHOT_CHANNEL } from '../contract/commands.ts'
import { autostartEntry, autostartPath, setAutostart } from './autostart-file.ts'
import { mayRun } from './runnable-files.ts'
import { isOwnFrame } from './senders.ts'

describe('a sender', () => {
  const origin = 'app://bundle'
  const top = { url: 'app://bundle/index.html', parent: null }

  test('is the top frame of our own page', () => {
    expect(isOwnFrame(top, origin)).toBe(true)
    expect(isOwnFrame({ url: 'app://bundle', parent: null }, origin)).toBe(true)
  })

  test('is nobody else', () => {
    for (const frame of [
      null,
      { ...top, parent: top },
      { url: 'app://bundle.evil/index.html', parent: null },
      { url: 'app://bundlex', parent: null },
      { url: 'app://bundle@evil/', parent: null },
      { url: 'http://app://bundle/', parent: null },
      { url: 'data:text/html,app://bundle/', parent: null },
      { url: 'about:blank', parent: null },
      { url: '', parent: null }
    ]) {
      expect(isOwnFrame(frame, origin), frame?.url).toBe(false)
    }
  })
})

describe('the preload', () => {
  test('speaks on the channels of the contract', () => {
    const source = readFileSync(join(import.meta.dirname, '../preload/preload.ts'), 'utf8')
    expect(source).toContain(`= '${COMMAND_CHANNEL}'`)
    expect(source).toContain(`= '${SNAPSHOT_CHANNEL}'`)
  })
})

describe('a file that was asked to be opened', () => {
  test('is only shown when it could run something', () => {
    for (const name of [
      'setup.EXE',
      'a.msi',
      'run.sh',
      'x.desktop',
      'x.AppImage',
      'invoice.pdf.js',
      'C:\\a\\b.bat',
      'noending',
      'tricky.exe. ',
      '.hidden'
    ])
      expect(mayRun(name), name).toBe(true)
  })

  test('is opened when it is a document', () => {
    for (const name of ['/a/b.pdf', 'x.txt', 'archive.tar.gz', 'photo.JPEG', 'data.csv'])
      expect(mayRun(name), name).toBe(false)
  })
})

describe('start at login on Linux', () => {
  test('is a file that starts the program hidden, and is gone when turned off', async () => {
    const home = mkdtempSync(join(tmpdir(), 'larder-home-'))
    try {
      const path = autostartPath('org.larder.larder', {}, home)
      expect(path).toBe(join(home, '.config/autostart/org.larder.larder.desktop'))
      await setAutostart(path, '/opt/Larder/larder', true)
      expect(readFileSync(path, 'utf8')).toContain('\nExec="/opt/Larder/larder" --hidden\n')
      await setAutostart(path, '/opt/Larder/larder', false)
      expect(existsSync(path)).toBe(false)
      await setAutostart(path, '/opt/Larder/larder', false)
    } finally {
      rmSync(home, { recursive: true })
    }
  })

  test('lies where the desktop looks, and a relative folder is none', () => {
    expect(autostartPath('x', { XDG_CONFIG_HOME: '/cfg' }, '/home/a')).toBe('/cfg/autostart/x.desktop')
    expect(autostartPath('x', { XDG_CONFIG_HOME: 'cfg' }, '/home/a')).toBe('/home/a/.config/autostart/x.desktop')
  })

  test('names the program so that a desktop reads back the same', () => {
    const read = (entry: string): string => {
      const value = /^Exec=(.*)$/m.exec(entry)![1]!.replace(/\\(.)/g, (_m, c: string) => (c === '\\' ? '\\' : `\\${c}`))
      return /^"((?:[^"\\]|\\.)*)" --hidden$/
        .exec(value)![1]!
        .replace(/\\(["`$\\])/g, '$1')
        .replaceAll('%%', '%')
    }
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ' ', '"', '`', '$', '\\', '%', "'", '/', 'é'), minLength: 1 }),
        (path) => {
          expect(read(autostartEntry(path))).toBe(path)
        }
      )
    )
  })
})
