import { useEffect, useState } from 'react'
import type { CommandInput, CommandResult } from '../../src-main/contract/commands.ts'
import { useApp } from '../app-context.tsx'

/**
 * What the agent answers to a question that changes nothing; asked again when it or `stamp` becomes another one. Null: there is no question,
 * or no answer (yet).
 * @param stamp a value that stands for what the answer depends on
 */
export function useAnswer<I extends CommandInput>(command: I | null, stamp: unknown): CommandResult<I['c']> | null {
  const { bridge } = useApp()
  const question = command === null ? null : JSON.stringify(command)
  const [known, setKnown] = useState<{ readonly question: string; readonly value: CommandResult<I['c']> } | null>(null)
  useEffect(() => {
    if (question === null) return
    let ended = false
    bridge
      .invoke(JSON.parse(question) as I)
      .then((answer) => {
        if (!ended) setKnown(answer.ok ? { question, value: answer.value } : null)
      })
      .catch(() => {})
    return () => {
      ended = true
    }
  }, [bridge, question, stamp])
  return known !== null && known.question === question ? known.value : null
}
