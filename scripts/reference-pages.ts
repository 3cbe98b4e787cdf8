import { Writable } from 'node:stream'
import type { Command } from 'commander'
import { z } from 'zod'
import { ErrorLine, outputShapes } from '../src-main/cli/output-shapes.ts'
import { Output } from '../src-main/cli/output.ts'
import { buildProgram } from '../src-main/cli/program.ts'
import { errorTable } from '../src-main/contract/errors.ts'
import { reasonTexts } from '../src-main/contract/request.ts'
import { Settings } from '../src-main/contract/settings.ts'
import { OUTPUT_VERSION } from '../src-main/contract/version.ts'
import { machinePolicyFile, PolicySchema } from '../src-main/settings/policy-file.ts'
import { settingFacts, splitName, type SettingFacts } from '../src-main/settings/setting-facts.ts'

const HELP_COLUMNS = 110
const generated = '<!-- Made from the code by `npm run reference`; edits here are lost. -->'

/** The reference, made from the code: file name in `docs/reference/` → text. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['settings.md', settingsPage()],
    ['settings.schema.json', schemaText('Settings of Larder', withNotes(z.toJSONSchema(Settings, { io: 'input' })))],
    ['policy.schema.json', schemaText('Machine policy of Larder', z.toJSONSchema(PolicySchema, { io: 'input' }))],
    ['cli-output.schema.json', outputSchema()],
    ['errors.md', errorsPage()],
    ['reasons.md', reasonsPage()],
    ['cli.md', cliPage()]
  ])
}

function outputSchema(): string {
  const { properties, $defs, $schema } = z.toJSONSchema(z.object({ error: ErrorLine, ...outputShapes }), {
    reused: 'ref',
    // A version may gain properties; a reader that refuses them would break.
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    }
  })
  const description = `Each line that a command writes to standard output with --json, by the command's name; version ${OUTPUT_VERSION}.`
  return schemaText('Output of larder', { $schema, description, $defs: { ...properties, ...$defs } })
}

function settingsPage(): string {
  const facts = [...settingFacts.values()]
  const sections = Map.groupBy(facts, ({ name }) => splitName(name)[0])
  const row = ({ name, accepts, defaultValue, secret, needsRestart, description }: SettingFacts) => [
    `\`${name}\``,
    description,
    `${accepts}${secret ? '; secret' : ''}`,
    code(defaultValue),
    needsRestart ? 'restart' : 'at once'
  ]
  return page('Settings', [
    'A setting has one value at a time. Which one counts, weakest first:',
    '1. the value that is built in;\n2. what the machine policy recommends;\n3. the settings file of the user, `settings.json` in the data folder;\n4. what the machine policy sets;\n5. the command line of the agent (`larder agent --set section.name=value` and its other options);\n6. what the machine policy has locked.',
    '`larder config explain NAME` tells all of these for one setting, `larder config list` what counts. [The guide](../settings.md) tells how to write a policy.',
    `The machine policy lies in \`${machinePolicyFile('linux')}\` (Linux), \`${machinePolicyFile('darwin')}\` (macOS) or \`${machinePolicyFile('win32')}\` (Windows).`,
    'On the command line and in the window numbers may be given with a unit: bytes as `500M` or `20 GiB`, rates also as `50mbit`, times as `30s` or `10 min`; [the guide](../settings.md) lists all spellings. Files take the number alone, in the unit named here.',
    'For editors and checks there are JSON Schemas of the [settings file](settings.schema.json) and of the [policy](policy.schema.json). A change counts at once or from the next start of the agent on, as the last column says.',
    ...[...sections].flatMap(([section, settings]) => [
      `## ${section}`,
      table(['setting', 'what it does', 'takes', 'default', 'counts'], settings.map(row))
    ])
  ])
}

function errorsPage(): string {
  return page('Error codes', [
    'A code is stable: it is the same in the API, on the command line and in events, and is never used for something else. The sentence beside it may change.',
    'The command line ends with the exit code of the error; 0 is success, 130 an agent that was told twice to stop.',
    table(
      ['code', 'exit', 'HTTP', 'what to do'],
      Object.entries(errorTable).map(([name, { exit, http, next }]) => [
        `\`${name}\``,
        String(exit),
        String(http),
        next
      ])
    )
  ])
}

function reasonsPage(): string {
  return page('Reason codes', [
    'Why a download did not come from peers, or not only: in the result of `larder get`, in requests and in events.',
    table(
      ['code', 'what it means'],
      Object.entries(reasonTexts).map(([name, text]) => [`\`${name}\``, text])
    )
  ])
}

function cliPage(): string {
  let written = ''
  const stream = new Writable({ write: (chunk, _encoding, done) => ((written += String(chunk)), done()) })
  const program = buildProgram(new Output(false, { stdout: stream, stderr: stream }))
  // Not as wide as the terminal that happens to be there.
  for (const command of [program, ...everyCommandOf(program)])
    command.configureOutput({
      writeOut: (text) => void (written += text),
      getOutHelpWidth: () => HELP_COLUMNS,
      getOutHasColors: () => false
    })
  const help = (command: Command): string => {
    written = ''
    command.outputHelp()
    return written.trim()
  }
  const sections = everyCommandOf(program)
    .filter(({ commands }) => commands.length === 0)
    .map((command) => `## ${fullName(command)}\n\n\`\`\`text\n${help(command)}\n\`\`\``)
  return page('Command line', [
    'Every command takes `--json`: one JSON value per line on the standard output, an error as `{"error": {code, message, next}}` there. [Exit codes](errors.md) are stable.',
    `[JSON Schemas](cli-output.schema.json) describe the output of each command, as \`#/$defs/<command>\`. \`larder version --json\` says their version, \`outputVersion\`. Within a version properties may be added; none goes or changes its meaning.`,
    `\`\`\`text\n${help(program)}\n\`\`\``,
    ...sections
  ])
}

export function everyCommandOf(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommandOf(child)])
}

export function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name()
}

/** Beside its sections a settings file may name its schema, and holds who changed what. */
function withNotes(schema: Record<string, unknown>): Record<string, unknown> {
  const notes = { type: 'object', description: 'Who changed which setting, when and why; written by Larder.' }
  return { ...schema, properties: { $schema: { type: 'string' }, ...(schema['properties'] as object), notes } }
}

function schemaText(title: string, { $schema, ...rest }: Record<string, unknown>): string {
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`
}

function page(title: string, parts: readonly string[]): string {
  return `${[`# ${title}`, generated, ...parts].join('\n\n')}\n`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``
