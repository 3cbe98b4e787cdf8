import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/**
 * Adds `larder completion <shell>`, which prints a script for the shell, and the hidden `larder complete -- …`, which that
 * script asks for the words that may come next. They are made from the commands the program has by then.
 */
export function addCompletion(program: Command): void {
  tab(program, { completionCommandName: 'completion' })
}
