import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/**
 * Adds `larder completion <shell>`, which prints a script for the shell, and the hidden `larder complete -- …`, which that
 * script asks for the words that may come next. They are made from the commands the program has by then.
 */
export function addCompletion(program: Command): void {
  tab(program, { completionCommandName: 'completion' })
  const completion = program.commands.find((command) => command.name() === 'completion')
  if (!completion) return
  // The library prints by itself, and says of its names in bash that they may not be set again: a second reading of `.bashrc`, or another
  // program with the same library, is greeted by errors at each of them.
  const print = console.log
  completion.hook('preAction', () => {
    console.log = (script: unknown) => print(String(script).replaceAll(/^readonly (?=ShellCompDirective)/gm, ''))
  })
  completion.hook('postAction', () => void (console.log = print))
}
