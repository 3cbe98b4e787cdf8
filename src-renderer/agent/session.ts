import { uiRoutes } from '../../src-main/contract/ui.ts'

/** Who this page is to the agent. */
export interface Session {
  /** Null: not signed in, or no longer. */
  token(): string | null
  /** The agent refused the token: forget it. */
  end(): void
  /** Forgets the token, here and at the agent. @returns whether the agent has heard it */
  signOut(): Promise<boolean>
}

const KEPT = 'larder.session'

/** The part of `window` a session needs. */
export interface SessionPage {
  readonly location: { hash: string; pathname: string; search: string }
  readonly history: { replaceState(data: null, unused: string, url: string): void }
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  readonly fetch: typeof fetch
}

/**
 * Signs this page in. `larder ui` opens `http://127.0.0.1:<port>/ui/#link=<code>`; the code works once and for a short time.
 * It is taken out of the address at once (a fragment never reaches a server or its log; without it no history keeps it) and
 * exchanged: `POST /v1/ui/session` with `{"link":"<code>"}` answers `{"token":"<bearer token>"}`. The token lives as long
 * as this tab, so that a reload works.
 */
export async function openSession(page: SessionPage): Promise<Session> {
  const link = /^#link=([A-Za-z0-9_-]{1,256})$/.exec(page.location.hash)?.[1]
  let token: string | null = null
  if (link === undefined) token = page.sessionStorage.getItem(KEPT)
  else {
    page.history.replaceState(null, '', page.location.pathname + page.location.search)
    token = await exchange(page, link)
    if (token === null) page.sessionStorage.removeItem(KEPT)
    else page.sessionStorage.setItem(KEPT, token)
  }
  const end = () => {
    token = null
    page.sessionStorage.removeItem(KEPT)
  }
  const signOut = async () => {
    const mine = token
    end()
    return mine === null || (await revoke(page, mine))
  }
  return { token: () => token, end, signOut }
}

async function revoke(page: SessionPage, token: string): Promise<boolean> {
  try {
    const { ok, status } = await page.fetch(uiRoutes.session, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` }
    })
    return ok || status === 401
  } catch {
    return false
  }
}

async function exchange(page: SessionPage, link: string): Promise<string | null> {
  try {
    const response = await page.fetch(uiRoutes.session, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link }),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer'
    })
    if (!response.ok) return null
    const { token } = (await response.json()) as { token?: unknown }
    return typeof token === 'string' && /^[\x21-\x7e]{16,512}$/.test(token) ? token : null
  } catch {
    return null
  }
}
