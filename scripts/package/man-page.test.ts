import { spawnSync } from 'node:child_process'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { addCompletion } from '../../src-main/cli/completion.ts'
import { Output } from '../../src-main/cli/output.ts'
import { buildProgram } from '../../src-main/cli/program.ts'
import { everyCommand, fullName, manPage } from './man-page.ts'

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
const program = buildProgram(new Output(false, { stdout: nowhere, stderr: nowhere }))
addCompletion(program)
const about = { version: '1.2.3', date: '2026-11-30' }

test('every command has a page with its options', () => {
  const commands = everyCommand(program)
  expect(commands.map(fullName)).toEqual(
    expect.arrayContaining(['larder', 'larder get', 'larder cache show', 'larder completion'])
  )
  for (const command of commands) {
    const page = manPage(command, about)
    expect(page).toMatch(/^\.TH LARDER/)
    for (const { long } of command.createHelp().visibleOptions(command))
      if (long) expect(page, fullName(command)).toContain(long.replaceAll('-', '\\-'))
  }
})

test('pages are roff without a complaint', ({ skip }) => {
  skip(spawnSync('groff', ['--version']).status !== 0, 'groff is not installed')
  const pages = everyCommand(program)
    .map((command) => manPage(command, about))
    .join('')
  const { status, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z'], { input: pages, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})
