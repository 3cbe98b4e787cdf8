import { z } from 'zod'
import { ErrorView } from './errors.ts'

/** Where a browser finds the page of the window, under the address of the local API. */
export const UI_PATH = '/ui/'

/**
 * The routes of the page. They belong to the page that is served beside them and are no part of the API for programs:
 *
 * - `session` (POST): takes {@link SessionSpec}, answers {@link SessionView}. Everything else needs `Authorization: Bearer <token>`.
 *   DELETE ends the session.
 * - `commands` (POST): takes a command of `commandTable` as JSON, answers an `Answer`, status 200, good or bad. Another status
 *   comes with an `ErrorView`; 401 ends the session.
 * - `stream` (GET): Server-Sent Events, at most ten a second; comments as heartbeat. At once `event: message`, `data:` a
 *   `SnapshotMessage` as JSON; then `event: change`, a `SnapshotChange` of the one before. A whole message comes again wherever
 *   there is no snapshot to change.
 */
export const uiRoutes = { session: '/v1/ui/session', commands: '/v1/ui/commands', stream: '/v1/ui/stream' } as const

/** 32 random bytes as base64url. */
export const UiSecret = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 43 base64url characters')

/** The code of a link is exchanged for a session: once, and only soon. */
export const SessionSpec = z.strictObject({ link: UiSecret })
export type SessionSpec = z.infer<typeof SessionSpec>
export const SessionView = z.object({ token: UiSecret })

/** An `Answer` as JSON; `parseAnswer` checks the value. */
export const UiAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.json() }),
  z.object({ ok: z.literal(false), error: ErrorView })
])
