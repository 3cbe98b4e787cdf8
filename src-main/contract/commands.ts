import { z } from 'zod'
import { CacheListing, ClearView, VerifyView } from './api.ts'
import { CachePriority } from './cache-priority.ts'
import { ErrorView } from './errors.ts'
import { AgentEvent } from './events.ts'
import { ContentKey, RequestId, Sha256Hex } from './ids.ts'
import { RatesAnswer, RatesSpec } from './rates.ts'
import { RequestSpec, RequestView } from './request.ts'
import { SettingView } from './setting-details.ts'
import { AgentSnapshot, CacheEntryDetail, PieceLetters } from './snapshot.ts'
import { AgentStatus, SnapshotMessage, type SnapshotNews } from './snapshot-message.ts'

export { AgentStatus, SettingView, SnapshotMessage }

const DAY_MS = 24 * 3600_000

/** Most characters of text in one command, all its strings together. Checked before anything else is looked at. */
export const MAX_COMMAND_CHARS = 2_000_000

const Done = z.object({})
const byRequest = { id: RequestId }
const byContent = { sha256: Sha256Hex }
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

function command<const C extends string, Fields extends z.ZodRawShape, Result extends z.ZodType>(
  c: C,
  fields: Fields,
  result: Result
) {
  return { input: z.strictObject({ c: z.literal(c), ...fields }), result }
}

/** Every command of a window, with what it takes and what it answers. IPC and HTTP carry the same ones. */
export const commandTable = {
  /** The state at this moment, whole. What is pushed to this window afterwards builds on it. */
  'snapshot.get': command('snapshot.get', {}, SnapshotMessage),

  'request.start': command('request.start', { spec: RequestSpec }, RequestView),
  'request.cancel': command('request.cancel', byRequest, RequestView),
  'request.pause': command('request.pause', byRequest, RequestView),
  'request.resume': command('request.resume', byRequest, RequestView),
  /** Asks again for what failed or was cancelled. FORBIDDEN when another program asked: only it knows the digest and header fields. */
  'request.retry': command('request.retry', byRequest, RequestView),

  /** Pauses all transfers for so long, ms; null: until `all.resume`. */
  'all.pause': command(
    'all.pause',
    {
      forMs: z
        .number()
        .int()
        .min(1000)
        .max(30 * DAY_MS)
        .nullable()
    },
    Done
  ),
  'all.resume': command('all.resume', {}, Done),
  /** Gives peers nothing for so long, ms, and is no master meanwhile; null: until `serving.resume`. */
  'serving.stop': command(
    'serving.stop',
    {
      forMs: z
        .number()
        .int()
        .min(1000)
        .max(30 * DAY_MS)
        .nullable()
    },
    Done
  ),
  'serving.resume': command('serving.resume', {}, Done),
  /** Which pieces of a running transfer are here, and from where. NOT_FOUND once it has ended. */
  'transfer.pieces': command('transfer.pieces', { key: ContentKey }, z.object({ pieces: PieceLetters })),
  'rates.get': command('rates.get', {}, RatesAnswer),
  /** Until the agent reads its settings anew. */
  'rates.set': command('rates.set', { rates: RatesSpec }, RatesAnswer),
  'integration.set': command('integration.set', { enabled: z.boolean() }, AgentSnapshot.shape.integration),

  'cache.list': command(
    'cache.list',
    {
      query: z.strictObject({
        limit: z.number().int().min(1).max(1000).default(100),
        offset: z.number().int().min(0).max(1_000_000).default(0),
        /** Part of a URL or the start of a digest. */
        search: z.string().min(1).max(200).optional(),
        sort: z.enum(['lastUsed', 'size', 'created']).default('lastUsed')
      })
    },
    CacheListing
  ),
  'cache.remove': command('cache.remove', byContent, z.object({ sha256: Sha256Hex, bytes: z.number() })),
  /** `forMs`: it is unpinned by itself after so long. */
  'cache.pin': command(
    'cache.pin',
    {
      ...byContent,
      pinned: z.boolean(),
      forMs: z
        .number()
        .int()
        .min(1000)
        .max(3650 * DAY_MS)
        .nullable()
        .default(null)
    },
    z.object({ sha256: Sha256Hex, pinned: z.boolean() })
  ),
  /** One content with whom it was served to. */
  'cache.content': command('cache.content', byContent, CacheEntryDetail),
  'cache.priority': command(
    'cache.priority',
    { ...byContent, priority: CachePriority },
    z.object({ sha256: Sha256Hex, priority: CachePriority })
  ),
  /** Moves the cache at the agent's next start; `AgentSnapshot.cacheNext` says so. */
  'cache.relocate': command('cache.relocate', { dir: z.string().min(1).max(4096) }, Done),
  /** With `dryRun` it only counts what it would free. */
  'cache.clear': command('cache.clear', { pinnedToo: z.boolean(), dryRun: z.boolean() }, ClearView),
  /** Answers when all is read; meanwhile `SnapshotMessage.verifying` tells how far it is. BUSY while one is running. */
  'cache.verify': command('cache.verify', {}, VerifyView),

  /** Begins to go through the list of the settings, whatever the hour. */
  'precache.run': command('precache.run', {}, Done),
  'precache.stop': command('precache.stop', {}, Done),

  /** Events after the sequence number `since`, oldest first; at most 1,000 are kept. */
  'events.list': command(
    'events.list',
    { since: z.number().int().min(0) },
    z.object({ bootId: z.string(), events: z.array(AgentEvent) })
  ),

  'settings.list': command('settings.list', {}, z.object({ settings: z.array(SettingView) })),
  /** `null` takes a setting that can be null to null; there is no way back to the default but its value. */
  'settings.set': command('settings.set', { name: z.string().min(1).max(100), value: z.json() }, SettingView),

  /** Opens the file of a finished request. A program or script is shown in its folder instead; `opened` is false then. */
  'shell.openFile': command('shell.openFile', { requestId: RequestId }, z.object({ opened: z.boolean() })),
  'shell.showInFolder': command('shell.showInFolder', { requestId: RequestId }, Done),
  'shell.openCacheFolder': command('shell.openCacheFolder', {}, Done),
  'shell.openLogFolder': command('shell.openLogFolder', {}, Done),
  'shell.copyText': command('shell.copyText', { text: z.string().max(1_000_000) }, Done),
  /** Asks the person where to, then writes the text there; `saved` is false when they changed their mind. */
  'shell.saveText': command(
    'shell.saveText',
    { name: FileName, text: z.string().max(1_900_000) },
    z.object({ saved: z.boolean() })
  ),
  /** Asks the person for the destination of a download; null when they changed their mind. */
  'shell.pickDestination': command(
    'shell.pickDestination',
    { name: FileName },
    z.object({ path: z.string().nullable() })
  ),

  /** Starts the agent again: with changed settings, or after a start that failed. Running downloads go on afterwards. */
  'agent.restart': command('agent.restart', {}, Done),
  'app.info': command('app.info', {}, AppInfo),
  'app.quit': command('app.quit', {}, Done)
} as const

export type CommandTable = typeof commandTable
export type CommandName = keyof CommandTable
/** A command as it is received: defaults filled in. */
export type CommandOf<C extends CommandName> = z.output<CommandTable[C]['input']>
/** What a command answers. */
export type CommandResult<C extends CommandName> = z.output<CommandTable[C]['result']>

export const commandNames = Object.keys(commandTable) as readonly CommandName[]

type Inputs = { [C in CommandName]: CommandTable[C]['input'] }[CommandName]
export const Command = z.discriminatedUnion(
  'c',
  Object.values(commandTable).map(({ input }) => input) as unknown as [Inputs, ...Inputs[]]
)
export type Command = z.output<typeof Command>
/** A command as a caller writes it. */
export type CommandInput = z.input<typeof Command>

/** The answer to a command: a value, or an error with a stable code. Never a rejected promise. */
export type Answer<V = unknown> =
  | { readonly ok: true; readonly value: V }
  | { readonly ok: false; readonly error: ErrorView }
export type AnswerTo<C extends CommandName> = Answer<CommandResult<C>>

/** The answer to the command `c`, checked. @throws ZodError when it is none */
export function parseAnswer<C extends CommandName>(c: C, answer: unknown): AnswerTo<C> {
  return z
    .discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), value: commandTable[c].result }),
      z.object({ ok: z.literal(false), error: ErrorView })
    ])
    .parse(answer) as AnswerTo<C>
}

/**
 * All that a window's page sees of the world, as `window.larder`. The HTTP transport gives an object of the same shape.
 */
export interface LarderBridge {
  invoke<I extends CommandInput>(command: I): Promise<AnswerTo<I['c']>>
  /**
   * Calls back soon with the state as it is, then with what changed, at most ten times a second. `afterNews` puts it together;
   * a change that does not fit calls for `snapshot.get`. @returns how to end it
   */
  onSnapshot(listener: (news: SnapshotNews) => void): () => void
}

/** IPC channels. */
export const COMMAND_CHANNEL = 'larder:command' as const
export const SNAPSHOT_CHANNEL = 'larder:snapshot' as const
