import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { measureForms, showMeasure, type SettingUnit } from '../contract/measures.ts'
import type { SettingDetails, SettingsProblem, SettingStrength } from '../contract/setting-details.ts'
import { isSettingFound } from '../contract/setting-search.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { knownName, parseValue } from '../settings/assignment.ts'
import { describeProblem, invalidFile, noSuchSetting } from '../settings/load-settings.ts'
import { parsePolicy } from '../settings/policy-file.ts'
import { settingFacts, type SettingName } from '../settings/setting-facts.ts'
import { MAX_SETTINGS_BYTES } from '../settings/settings-text.ts'
import { parseUserSettings } from '../settings/user-file.ts'
import type { CliHost } from './cli-host.ts'
import type { Output } from './output.ts'
import { localTime, printable } from './printable.ts'
import { openSettings, readSettings } from './settings-access.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatFacts, formatTable } from './table.ts'
import { whoTypes } from './who.ts'

const MAX_VALUE_WIDTH = 60

/** Words for people. */
const strengths: Record<SettingStrength, string> = {
  default: 'default',
  recommended: 'policy (recommended)',
  file: 'file',
  policy: 'policy',
  'command-line': 'command line',
  'this-run': 'until restart',
  locked: 'policy (locked)'
}

export async function listSettings(
  search: string | undefined,
  options: AgentCommandOptions & { readonly changed?: boolean },
  output: Output,
  host: CliHost
): Promise<void> {
  const access = await openSettings(options, host)
  const { settings, problems } = await access.list()
  const found = settings.filter(
    (setting) => isSettingFound(setting, search ?? '') && (options.changed !== true || setting.source !== 'default')
  )
  output.result({ running: access.running, settings: found, problems }, () => {
    const rows = found.map((setting) => [
      setting.name,
      shownValue(setting),
      strengths[setting.strength],
      setting.pending ? 'from the next start on' : ''
    ])
    const table =
      found.length === 0
        ? 'No setting matches.'
        : formatTable(['NAME', 'VALUE', 'SOURCE', ''], rows, { shorten: 'VALUE', width: output.width })
    return [table, ...problems.map(describeRefusal)].join('\n')
  })
}

export async function getSetting(
  name: string,
  options: AgentCommandOptions,
  output: Output,
  host: CliHost
): Promise<void> {
  const setting = await find(name, options, host)
  // The value alone is for scripts.
  output.result(setting, () =>
    output.stdout.isTTY && !setting.secret && unitOf(setting) !== null ? shownValue(setting) : plainValue(setting)
  )
}

export async function setSetting(
  name: string,
  text: string,
  options: AgentCommandOptions & { readonly reason?: string },
  output: Output,
  host: CliHost
): Promise<void> {
  const value = parseValue(knownName(name), text)
  const access = await openSettings(options, host)
  const setting = await access.set(name, value, {
    by: whoTypes(),
    ...(options.reason !== undefined && { reason: options.reason })
  })
  output.result(setting, () => `${name} is ${shownValue(setting)}${whenItCounts(setting, access.running)}.`)
}

export async function unsetSetting(
  name: string,
  options: AgentCommandOptions,
  output: Output,
  host: CliHost
): Promise<void> {
  const access = await openSettings(options, host)
  const setting = await access.set(name, undefined, { by: whoTypes() })
  output.result(
    setting,
    () => `${name} is ${shownValue(setting)} (${strengths[setting.strength]})${whenItCounts(setting, access.running)}.`
  )
}

export async function explainSetting(
  name: string,
  options: AgentCommandOptions,
  output: Output,
  host: CliHost
): Promise<void> {
  const setting = await find(name, options, host)
  output.result(setting, () => {
    const { author, pending, needsRestart } = setting
    const forms = measureForms(unitOf(setting))
    const facts = formatFacts([
      ['name', setting.name],
      ['what it does', setting.description],
      ['takes', setting.accepts],
      ...(forms === null ? [] : [['', `or, on the command line, ${forms}`] as const]),
      ['value', `${shownValue(setting)}${pending ? ' (from the agent’s next start on)' : ''}`],
      ['source', `${strengths[setting.strength]}, ${setting.place}`],
      ...(author
        ? [
            [
              'set by',
              `${author.by}${author.at === null ? '' : `, ${localTime(author.at)}`}${author.reason === null ? '' : `: ${author.reason}`}`
            ] as const
          ]
        : []),
      ['change here', setting.managed ? 'no, it is managed' : `yes: larder config set ${setting.name} …`],
      ['a change counts', needsRestart ? 'from the agent’s next start on' : 'at once']
    ])
    const rows = setting.candidates.map(({ strength, place, value }, at) => [
      at === setting.candidates.length - 1 ? '→' : '',
      strengths[strength],
      setting.secret ? 'secret' : showMeasure(unitOf(setting), value),
      place
    ])
    return `${facts}\n\nSet by (the last one wins):\n${formatTable(['', 'SOURCE', 'VALUE', 'PLACE'], rows, { shorten: 'PLACE', width: output.width })}`
  })
}

/** @throws SETTINGS_INVALID with the worst problem; the others are noted before */
export async function checkSettings(
  file: string | undefined,
  options: AgentCommandOptions & { readonly policy?: boolean },
  output: Output,
  host: CliHost
): Promise<void> {
  const problems = file === undefined ? readSettings(options, host).problems : checkFile(file, options.policy === true)
  const worst = problems.find(({ inForce }) => inForce !== 'partly') ?? problems[0]
  if (worst) {
    for (const other of problems.filter((one) => one !== worst)) output.note(describeRefusal(other))
    throw invalidFile(worst)
  }
  output.result(
    { problems },
    () => `${file === undefined ? 'The settings of this PC are' : `${printable(file)} is`} good.`
  )
}

function checkFile(file: string, isPolicy: boolean): SettingsProblem[] {
  const place = resolve(file)
  let text: string
  try {
    if (statSync(place).size > MAX_SETTINGS_BYTES)
      throw new LarderError('SETTINGS_INVALID', `${place} is longer than ${MAX_SETTINGS_BYTES} bytes`, { place })
    text = readFileSync(place, 'utf8')
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw new LarderError('SETTINGS_INVALID', `${place} cannot be read (${systemCode(error) ?? String(error)})`, {
      place,
      cause: error
    })
  }
  const parsed = isPolicy ? parsePolicy(text) : parseUserSettings(text)
  if (!parsed.ok) return [{ place, ...parsed.problem, inForce: 'nothing' }]
  return parsed.value.unknown.map((setting) => ({
    place,
    line: null,
    column: null,
    setting,
    reason: noSuchSetting(setting),
    inForce: 'partly'
  }))
}

async function find(name: string, options: AgentCommandOptions, host: CliHost): Promise<SettingDetails> {
  const known = knownName(name)
  const { settings } = await (await openSettings(options, host)).list()
  const setting = settings.find((one) => one.name === known)
  if (!setting) throw new LarderError('NOT_FOUND', `The running agent has no setting ${name}`, { setting: name })
  return setting
}

function whenItCounts({ pending, needsRestart }: SettingDetails, running: boolean): string {
  if (!running) return needsRestart ? '; it counts from the agent’s next start on' : ''
  return pending ? '; it counts from the agent’s next start on (restart it to apply it)' : ', from now on'
}

function describeRefusal(problem: SettingsProblem): string {
  const consequence = {
    'last-good': '\n  What it said before stays in force.',
    nothing: '\n  It is left out; the agent does not start with it.',
    partly: ''
  }[problem.inForce]
  return `larder: ${describeProblem(problem)}${consequence}`
}

/** The value alone, as a script wants it. */
function plainValue({ secret, isSet, value }: SettingDetails): string {
  if (secret) return isSet ? '(secret)' : ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function shownValue(setting: SettingDetails): string {
  const { secret, isSet, value } = setting
  if (secret) return isSet ? 'set (secret)' : 'not set'
  const text = showMeasure(unitOf(setting), value)
  return text.length > MAX_VALUE_WIDTH ? `${text.slice(0, MAX_VALUE_WIDTH - 1)}…` : text
}

/** An agent of another version may have settings this one does not know. */
const unitOf = ({ name }: SettingDetails): SettingUnit | null => settingFacts.get(name as SettingName)?.unit ?? null
