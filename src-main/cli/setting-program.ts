import type { Command } from 'commander'
import type { CliHost } from './cli-host.ts'
import type { Output } from './output.ts'

/** Makes a command with the options all commands have. */
type MakeCommand = (parent: Command, usage: string, summary: string) => Command

/** `larder integration …` and `larder config …`. */
export function addSettingCommands(program: Command, command: MakeCommand, output: Output, host: CliHost): void {
  const switched = async () => import('./integration-commands.ts')
  const integration = program.command('integration').description('Whether programs on this PC are served by the agent.')
  const withReason = (made: Command) => made.option('--reason <text>', 'why; shown wherever the setting is shown')
  withReason(command(integration, 'on', 'Serve programs.')).action(async (options) =>
    (await switched()).switchIntegration(true, options, output, host)
  )
  withReason(command(integration, 'off', 'Do not serve programs; they download directly, after a random wait.')).action(
    async (options) => (await switched()).switchIntegration(false, options, output, host)
  )
  command(
    integration,
    'status',
    'Show whether it is on, who decided that, when and why, and what happens while it is off.'
  ).action(async (options) => (await switched()).integrationStatus(options, output, host))
  command(integration, 'forget', 'Delete what direct downloads have kept on this PC.').action(async (options) =>
    (await switched()).forgetRetained(options, output, host)
  )

  const configured = async () => import('./config-commands.ts')
  const config = program
    .command('config')
    .description('Settings of the agent: what they are, and where each came from.')
  command(config, 'list', 'List settings with value and source.')
    .argument('[search]', 'part of a name or description, or what it is about: speed, disk, password')
    .option('--changed', 'only those that differ from their defaults')
    .action(async (search, options) => (await configured()).listSettings(search, options, output, host))
  command(config, 'get', 'Print the value of one setting.')
    .argument('<name>', 'section.name')
    .action(async (name, options) => (await configured()).getSetting(name, options, output, host))
  withReason(command(config, 'set', 'Set one setting for this user.'))
    .argument('<name>', 'section.name')
    .argument(
      '<value>',
      'with a unit (20GiB, 50mbit, 10min) where the setting has one; on, off or none; a list by commas; JSON; or plain text'
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ larder config set cache.maxBytes 20GiB\n  $ larder config set rates.wanBackground 50mbit\n  $ larder config set discovery.seeds 10.1.2.3:4726,10.1.2.4:4726 --reason "multicast is blocked here"\n'
    )
    .action(async (name, value, options) => (await configured()).setSetting(name, value, options, output, host))
  command(config, 'unset', 'Remove one setting from the settings of this user.')
    .argument('<name>', 'section.name')
    .action(async (name, options) => (await configured()).unsetSetting(name, options, output, host))
  command(config, 'explain', 'Explain one setting: what it does, which values it takes, and every place that sets it.')
    .argument('<name>', 'section.name')
    .action(async (name, options) => (await configured()).explainSetting(name, options, output, host))
  command(config, 'check', 'Check the settings of this PC, or a file before it is rolled out.')
    .argument('[file]', 'a settings or policy file (default: those of this PC)')
    .option('--policy', 'the file is a machine policy')
    .action(async (file, options) => (await configured()).checkSettings(file, options, output, host))
}
