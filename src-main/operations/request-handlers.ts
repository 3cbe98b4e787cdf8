import type { requestOperations } from '../contract/operations/requests.ts'
import { finalRequestStates, type RequestView } from '../contract/request.ts'
import type { AskedBy } from '../contract/asked-by.ts'
import { openContentBytes } from './content-bytes.ts'
import type { Caller, HandlersOf } from './handlers.ts'

export const requestHandlers: HandlersOf<keyof typeof requestOperations> = {
  answers: {
    'request.start': ({ spec }, call) => call.agent.request(spec, call.as, { askedBy: askedByOf(call) }),
    'request.list': (_, { agent }) => ({ requests: agent.requests() }),
    'request.clear': async (_, { agent }) => ({ removed: await agent.clearEnded() }),
    'request.get': ({ id }, { agent }) => agent.requestView(id),
    'request.cancel': ({ id, reason }, { agent }) => agent.cancel(id, reason),
    'request.pause': ({ id }, { agent }) => agent.pause(id),
    'request.resume': ({ id }, { agent }) => agent.resume(id),
    'request.retry': ({ id }, call) => call.agent.retry(id, call.as, { askedBy: askedByOf(call) })
  },
  streams: {
    'request.watch': ({ id }, { agent, open }) => {
      const now = agent.requestView(id)
      const stream = open()
      const show = (view: RequestView) => {
        if (view.id !== id) return
        if (!finalRequestStates.includes(view.state))
          return stream.sendNewest(() => ({ event: 'request', json: JSON.stringify(view) }))
        stream.send('request', JSON.stringify(view))
        stream.end()
      }
      agent.on('request', show)
      stream.once('closed', () => agent.off('request', show))
      show(now)
    }
  },
  bytes: {
    'request.content': async ({ id }, { agent }) => {
      const content = await openContentBytes(agent.requestView(id), agent.cache)
      agent.cache.noteHit(content.sha256)
      return content
    }
  }
}

function askedByOf({ as, program = null, person }: Caller): AskedBy {
  const user = person?.name.slice(0, 100) || null
  return as === 'window' ? { by: 'window', program: null, user } : { by: 'api', program, user }
}
