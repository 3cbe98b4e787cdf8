import type { RequestId } from '../contract/ids.ts'
import type { RequestSpec, RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import { describeIntegration } from '../settings/integration-state.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { Asker } from './agent.ts'

/** So many are remembered: those that have not ended, and those shown after their end. */
const MAX_REMEMBERED = 10_500

/** What was asked for and by whom, so that it can be asked again. */
export class Asked {
  readonly #byId = new Map<RequestId, { readonly spec: RequestSpec; readonly asker: Asker }>()

  note(id: RequestId, spec: RequestSpec, asker: Asker): void {
    this.#byId.set(id, { spec, asker })
    for (const [oldest] of this.#byId) if (this.#byId.size > MAX_REMEMBERED) this.#byId.delete(oldest)
  }

  /**
   * What to ask for instead of a request that failed. A program that got an error may have fetched the file elsewhere meanwhile, so
   * nobody else asks in its place.
   * @throws BAD_REQUEST, FORBIDDEN
   */
  again({ id, state }: RequestView, asker: Asker): RequestSpec {
    if (state !== 'failed' && state !== 'cancelled')
      throw new LarderError('BAD_REQUEST', `This request has not failed, it is ${state}`, { field: 'id' })
    const asked = this.#byId.get(id)
    if (asked?.asker !== asker) throw new LarderError('FORBIDDEN', 'Another program asked for this; ask again there')
    return asked.spec
  }
}

/** @throws INTEGRATION_OFF with who turned it off */
export function requireIntegration({ integration }: LiveSettings): void {
  if (!integration.enabled)
    throw new LarderError('INTEGRATION_OFF', `The integration is ${describeIntegration(integration)}`)
}
