import { z } from 'zod'
import { RequestId } from '../ids.ts'
import { SnapshotMessage } from '../snapshot-message.ts'
import { Done, type Operation } from './operation.ts'

const ofRequest = z.object({ requestId: RequestId })
/** A file name without folders. */
const FileName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^/\\:*?"<>|\p{Cc}]+$/u, 'expected a file name')

/** What is shown about the program itself, and what this transport can do. */
export const AppInfo = z.object({
  version: z.string(),
  /** `app`: the tray application's window. `browser`: the same window, served by a headless agent. */
  runtime: z.enum(['app', 'browser']),
  platform: z.string(),
  /** Versions of what it runs on, e.g. `{ node: '24.1.0' }`. */
  versions: z.record(z.string(), z.string()),
  dataDir: z.string(),
  logDir: z.string(),
  /** Commands that work here; others answer NOT_FOUND. Leave out the buttons of those that are not in it. */
  commands: z.array(z.string())
})
export type AppInfo = z.infer<typeof AppInfo>

/** What only a window asks for: the state in its own form, and what the desktop around it can do. No part of the local API. */
export const windowOperations = {
  'snapshot.get': {
    summary: 'The complete current state. What is pushed to this window afterwards builds on it.',
    who: 'windows',
    right: 'user',
    always: true,
    input: z.object({}),
    answer: SnapshotMessage,
    errors: []
  },
  'agent.restart': {
    summary:
      'Starts the agent again: with changed settings, or after a start that failed. Running downloads go on afterwards.',
    who: 'windows',
    always: true,
    input: z.object({}),
    answer: Done,
    errors: []
  },
  'app.info': {
    summary: 'What is shown about the program itself, and which commands work here.',
    who: 'windows',
    right: 'user',
    always: true,
    input: z.object({}),
    answer: AppInfo,
    errors: []
  },
  'app.quit': {
    summary: 'Ends the tray application and its agent.',
    who: 'windows',
    right: 'user',
    always: true,
    input: z.object({}),
    answer: Done,
    errors: []
  },
  'shell.openFile': {
    summary:
      'Opens the file of a finished request. A program or script is shown in its folder instead; `opened` is false then.',
    who: 'windows',
    right: 'user',
    input: ofRequest,
    answer: z.object({ opened: z.boolean() }),
    errors: ['NOT_FOUND']
  },
  'shell.showInFolder': {
    summary: 'Shows the file of a finished request in its folder.',
    who: 'windows',
    right: 'user',
    input: ofRequest,
    answer: Done,
    errors: ['NOT_FOUND']
  },
  'shell.openCacheFolder': {
    summary: 'Opens the folder of the cache.',
    who: 'windows',
    input: z.object({}),
    answer: Done,
    errors: ['NOT_FOUND']
  },
  'shell.openLogFolder': {
    summary: 'Opens the folder of the log.',
    who: 'windows',
    always: true,
    input: z.object({}),
    answer: Done,
    errors: ['NOT_FOUND']
  },
  'shell.copyText': {
    summary: 'Puts a text on the clipboard.',
    who: 'windows',
    right: 'user',
    always: true,
    input: z.object({ text: z.string().max(1_000_000) }),
    answer: Done,
    errors: []
  },
  'shell.saveText': {
    summary: 'Asks the person where to, then writes the text there; `saved` is false when they changed their mind.',
    who: 'windows',
    right: 'user',
    always: true,
    input: z.object({ name: FileName, text: z.string().max(1_900_000) }),
    answer: z.object({ saved: z.boolean() }),
    errors: ['DESTINATION_UNWRITABLE']
  },
  'shell.pickDestination': {
    summary: 'Asks the person for the destination of a download; null when they changed their mind.',
    who: 'windows',
    right: 'user',
    always: true,
    input: z.object({ name: FileName }),
    answer: z.object({ path: z.string().nullable() }),
    errors: []
  }
} as const satisfies Record<string, Operation>
