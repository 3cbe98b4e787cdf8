import type { Command, Option } from 'commander'

/**
 * The manual page of one command in roff (man(7)), made from the command itself.
 * @param section text of the page's last lines, e.g. `larder 1.2.3`
 */
export function manPage(command: Command, options: { version: string; date: string }): string {
  const name = fullName(command)
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const lines = [
    `.TH ${roff(name.replaceAll(' ', '-').toUpperCase())} 1 ${options.date} "larder ${options.version}" "Larder"`,
    '.SH NAME',
    `${roff(name.replaceAll(' ', '-'))} \\- ${roff(help.commandDescription(command).replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    `.B ${roff(name)}`,
    roff(help.commandUsage(command).slice(name.length).trim()),
    '.SH DESCRIPTION',
    roff(help.commandDescription(command))
  ]
  const described = command.registeredArguments.filter(({ description }) => description)
  if (described.length > 0) {
    lines.push('.SH ARGUMENTS')
    for (const argument of described) lines.push('.TP', `.I ${roff(argument.name())}`, roff(argument.description))
  }
  lines.push('.SH OPTIONS')
  for (const option of help.visibleOptions(command))
    lines.push('.TP', `.B ${roff(option.flags)}`, roff(describe(option)))
  if (commands.length > 0) {
    lines.push('.SH COMMANDS')
    for (const child of commands)
      lines.push('.TP', `.B ${roff(`${name} ${child.name()}`)}`, roff(help.subcommandDescription(child)))
  }
  if (command.parent === null)
    lines.push(
      '.SH EXIT STATUS',
      'Zero on success. Every error has a code and an exit status of its own; they are stable and listed in the reference.',
      '.SH FILES',
      '.TP',
      '.I /etc/larder/policy.json',
      'Machine policy: what this PC\\(aqs administrator recommends, sets or locks.',
      '.TP',
      '.I /var/lib/larder',
      'Data folder of the service.'
    )
  const family = [...(command.parent ? [command.parent] : []), ...commands]
  if (family.length > 0)
    lines.push('.SH SEE ALSO', family.map((one) => `.BR ${roff(fullName(one).replaceAll(' ', '-'))} (1)`).join(' ,\n'))
  return `${lines.join('\n')}\n`
}

/** A command and all below it. */
export function everyCommand(command: Command): Command[] {
  return [
    command,
    ...command
      .createHelp()
      .visibleCommands(command)
      .filter((one) => one.name() !== 'help')
      .flatMap(everyCommand)
  ]
}

/** `larder cache show` */
export function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name()
}

function describe({ description, argChoices, defaultValue }: Option): string {
  const more = [
    ...(argChoices ? [`choices: ${argChoices.join(', ')}`] : []),
    ...(defaultValue === undefined || defaultValue === true ? [] : [`default: ${String(defaultValue)}`])
  ]
  return more.length > 0 ? `${description} (${more.join('; ')})` : description
}

/** Text that roff takes for nothing else. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
}
