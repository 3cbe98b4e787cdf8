import { expect } from 'vitest'
import { ErrorLine, outputShapes } from '../cli/output-shapes.ts'

/** What a command has said with `--json` is what the reference promises, no property more or less. */
export function checkOutput(argv: readonly string[], stdout: string): void {
  if (!argv.includes('--json') || argv.includes('--help')) return
  const words = argv.slice(0, 3)
  const command = [3, 2, 1].map((length) => words.slice(0, length).join(' ')).find((name) => name in outputShapes)
  for (const line of stdout.split('\n').filter(Boolean)) {
    const value: unknown = JSON.parse(line)
    const isError = typeof value === 'object' && value !== null && 'error' in value && Object.keys(value).length === 1
    if (isError) expect(ErrorLine.parse(value)).toEqual(value)
    else expect(outputShapes[command!]!.parse(value), `larder ${command} --json`).toEqual(value)
  }
}
