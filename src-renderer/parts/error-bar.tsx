import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components'
import type { ErrorView } from '../../src-main/contract/errors.ts'

/** What the agent refused and what to do instead, where it was asked for. Nothing while there is no error. */
export function ErrorBar({ error }: { readonly error: Pick<ErrorView, 'message' | 'next'> | null }) {
  if (error === null) return null
  return (
    <MessageBar intent="error" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{asSentence(error.message)}</MessageBarTitle>
        {error.next}
      </MessageBarBody>
    </MessageBar>
  )
}

/** An agent's messages come without a full stop, as they also stand in the middle of sentences. */
const asSentence = (message: string): string => (/[.!?…]$/.test(message) ? message : `${message}.`)
