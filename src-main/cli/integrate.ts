import { homedir } from 'node:os'
import { LarderError } from '../lib/errors.ts'
import { integrate, stateOf, type FileChange } from '../integrate/files.ts'
import { toolNamed, tools, unfit, type Surroundings } from '../integrate/tools.ts'
import type { CliHost } from './cli-host.ts'
import type { Output } from './output.ts'
import { openSettings } from './settings-access.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatTable } from './table.ts'

export interface IntegrateOptions extends AgentCommandOptions {
  readonly undo?: boolean
  readonly dryRun?: boolean
  readonly list?: boolean
  readonly source?: string
}

/** @throws NOT_FOUND for a tool that is not known, TOOL_UNFIT, TOOL_CONFIGURED, TOOL_UNWRITABLE */
export async function integrateTool(
  name: string | undefined,
  options: IntegrateOptions,
  output: Output,
  host: CliHost
): Promise<void> {
  const { settings } = await (await openSettings(options, host)).list()
  const valueOf = (setting: string) => settings.find((candidate) => candidate.name === setting)?.value
  const where: Surroundings = {
    home: process.env['HOME'] ?? homedir(),
    root: '/',
    gateway: `http://127.0.0.1:${Number(valueOf('ports.gateway'))}`,
    source: checkedSource(options.source)
  }
  if (name === undefined || options.list === true) return list(where, output)
  if (Object.hasOwn(unfit, name))
    throw new LarderError('TOOL_UNFIT', `${name} cannot be set up: ${unfit[name]}`, { tool: name })
  const tool = toolNamed(name)
  if (!tool)
    throw new LarderError('NOT_FOUND', `${name.slice(0, 40)} is not among the tools that larder integrate --list shows`)
  const changes = await integrate(tool, where, options)
  const missing = options.undo === true ? [] : missingSettings()
  output.result({ tool: name, undone: options.undo === true, dryRun: options.dryRun === true, changes, missing }, () =>
    [
      ...changes.map((change) => describe(change, options.dryRun === true)),
      ...(changes.length === 0 ? [`${name} has nothing to change on this PC.`] : []),
      ...(options.undo === true ? [] : [`Shared through it: ${tool.shares}.`]),
      ...missing.map((command) => `Still to do: ${command}`)
    ].join('\n')
  )

  /** What the gateway needs for it. */
  function missingSettings(): string[] {
    const enabled = valueOf('gateway.enabled') === true
    const hosts = (valueOf('gateway.hosts') as readonly string[] | undefined) ?? []
    const source = options.source ?? tool!.source
    const needed = source === undefined ? '*' : new URL(source.replace(/^sparse\+/, '')).hostname
    const isListed = hosts.includes('*') || hosts.includes(needed)
    return [
      ...(enabled ? [] : ['larder config set gateway.enabled true']),
      ...(isListed || (needed === '*' && hosts.length > 0)
        ? []
        : [`larder config set gateway.hosts '${JSON.stringify([...hosts, needed])}'`])
    ]
  }
}

async function list(where: Surroundings, output: Output): Promise<void> {
  const states = await Promise.all(tools.map((tool) => stateOf(tool, where, process.env['PATH'] ?? '')))
  output.result({ tools: states, unfit }, () =>
    [
      formatTable(
        ['tool', 'on this PC', 'integrated', 'what is shared'],
        states.map(({ name, installed, integrated }) => [
          name,
          installed ? 'yes' : 'no',
          integrated ? 'yes' : 'no',
          toolNamed(name)!.shares
        ]),
        { shorten: 'what is shared', width: output.width }
      ),
      ...Object.entries(unfit).map(([name, why]) => `${name}: ${why}`)
    ].join('\n')
  )
}

function describe({ path, change }: FileChange, dryRun: boolean): string {
  const words = {
    create: ['would be made', 'made'],
    change: ['would be changed', 'changed'],
    remove: ['would be removed', 'removed'],
    none: ['is as it should be', 'is as it should be']
  } as const
  return `${path}: ${words[change][dryRun ? 0 : 1]}`
}

/** @throws URL_INVALID */
function checkedSource(source: string | undefined): string | undefined {
  if (source === undefined) return undefined
  const bare = source.replace(/^sparse\+/, '')
  if (!URL.canParse(bare) || !/^https?:\/\/[^\s"'<>@]+$/.test(bare))
    throw new LarderError('URL_INVALID', 'The source is not an http:// or https:// URL without a user name')
  return source
}
