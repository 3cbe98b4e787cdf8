import { download } from '../client/download.ts'
import type { DownloadOptions, DownloadProgress } from '../client/download-types.ts'
import type { RequestId } from '../contract/ids.ts'
import { RequestSpec, type RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'

/** As many as a window shows. */
const MAX_KEPT = 500

/** One file of this user on its way from the machine agent to where they want it. */
interface Placed {
  readonly spec: RequestSpec
  readonly destination: string
  readonly cancel: AbortController
  /** `direct`: the agent did not deliver, and this program gets it from the origin. */
  phase: 'agent' | 'direct' | 'done' | 'failed'
  receivedBytes: number
  lengthBytes: number | null
  error: LarderError | null
}

/**
 * Downloads of a window that end in files. The machine agent writes none for its users: this program takes the content and puts it
 * there, and what the window is shown of the request says so.
 */
export class PlacedDownloads {
  readonly #options: DownloadOptions
  readonly #changed: (view: Pick<RequestView, 'id' | 'state' | 'error'>) => void
  readonly #byId = new Map<RequestId, Placed>()

  /** @param changed told when one has ended, and that there is something else to be seen */
  constructor(options: DownloadOptions, changed: (view: Pick<RequestView, 'id' | 'state' | 'error'>) => void) {
    this.#options = options
    this.#changed = changed
  }

  /** @returns the request as the agent has taken it @throws what keeps it from being begun */
  start(spec: RequestSpec & { readonly destination: string }): Promise<RequestView> {
    const { destination } = spec
    return new Promise((taken, refused) => {
      const placed: Placed = {
        spec,
        destination,
        cancel: new AbortController(),
        phase: 'agent',
        receivedBytes: 0,
        lengthBytes: null,
        error: null
      }
      let id: RequestId | undefined
      const onProgress = (progress: DownloadProgress): void => {
        if (progress.phase === 'agent') {
          if (id === undefined) this.#keep((id = progress.request.id), placed)
          taken(this.shown(progress.request))
        } else if (progress.phase === 'direct') Object.assign(placed, { ...progress, phase: 'direct' })
        else placed.phase = 'direct'
        if (id !== undefined) this.#changed({ id, state: 'active', error: null })
      }
      const ended = (phase: 'done' | 'failed', error: LarderError | null): void => {
        Object.assign(placed, { phase, error })
        if (id === undefined)
          refused(error ?? new LarderError('AGENT_NOT_RUNNING', 'The agent of this PC did not accept it'))
        else this.#changed({ id, state: phase, error: error?.toView() ?? null })
      }
      void download(spec, { ...this.#options, signal: placed.cancel.signal, onProgress }).then(
        () => ended('done', null),
        (error: unknown) => ended('failed', LarderError.from(error))
      )
    })
  }

  /** What was asked for, to ask again. */
  specOf(id: RequestId): RequestSpec | undefined {
    return this.#byId.get(id)?.spec
  }

  cancel(id: RequestId): void {
    this.#byId.get(id)?.cancel.abort()
  }

  /** A request of the agent as the person sees it, to the file being there. */
  shown(view: RequestView): RequestView {
    const placed = this.#byId.get(view.id)
    if (!placed) return view
    const { destination, phase, error, receivedBytes, lengthBytes } = placed
    const known = { ...view, destination }
    if (phase === 'done') return { ...known, state: 'done', error: null, waitingFor: null }
    if (phase === 'failed')
      return {
        ...known,
        state: error?.code === 'CANCELLED' ? 'cancelled' : 'failed',
        error: error?.toView() ?? null,
        waitingFor: null
      }
    if (phase === 'direct')
      return {
        ...known,
        state: 'active',
        role: 'direct',
        error: null,
        waitingFor: null,
        haveBytes: receivedBytes,
        lengthBytes: lengthBytes ?? view.lengthBytes,
        finishedAt: null
      }
    return view.state === 'done' ? { ...known, state: 'delivering', finishedAt: null } : known
  }

  #keep(id: RequestId, placed: Placed): void {
    this.#byId.set(id, placed)
    for (const [oldest, { phase }] of this.#byId) {
      if (this.#byId.size <= MAX_KEPT) break
      if (phase === 'done' || phase === 'failed') this.#byId.delete(oldest)
    }
  }
}
