// npm run larder -- ARGUMENTS: the `larder` command from this clone, built when needed.
import { spawn } from 'node:child_process'
import { build, cliFile } from './bundles.ts'

const args = process.argv.slice(2)

if ((await build('cli')) && (!args.includes('--ui') || (await build('renderer')))) {
  // npm runs scripts in the clone; paths on the command line are meant where the user is.
  const child = spawn(process.execPath, [cliFile, ...args], {
    stdio: 'inherit',
    cwd: process.env['INIT_CWD'] ?? process.cwd()
  })
  // The terminal interrupts the command too; it ends in its own time and with its own exit code.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.once('exit', (code) => {
    process.exitCode = code ?? 1
  })
} else {
  process.exitCode = 1
}
