import { errorTable, type ErrorView } from '../contract/errors.ts'
import { LarderError } from '../lib/errors.ts'

/** Any thrown value as status and body of an answer. Only LarderErrors tell more than that something went wrong. */
export function errorAnswer(thrown: unknown): { status: number; view: ErrorView; unexpected: boolean } {
  const error = asLarderError(thrown)
  return { status: errorTable[error.code].http, view: error.toView(), unexpected: error.code === 'INTERNAL' }
}

function asLarderError(thrown: unknown): LarderError {
  if (thrown instanceof LarderError) return thrown
  const { code, statusCode, validation, validationContext } = (thrown ?? {}) as FrameworkError
  const issue = validation?.[0]
  if (issue) {
    const field = [validationContext, ...(issue.instancePath ?? '').split('/')].filter(Boolean).join('.')
    return new LarderError('BAD_REQUEST', `${field}: ${issue.message ?? 'invalid'}`, { field })
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new LarderError('BAD_REQUEST', 'The body of the call is too long')
  if (statusCode === 404) return new LarderError('NOT_FOUND', 'There is no such route')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new LarderError('BAD_REQUEST', thrown instanceof Error ? thrown.message : 'The call cannot be read')
  }
  if (statusCode === 503) return new LarderError('SHUTTING_DOWN', 'The agent is stopping')
  return new LarderError('INTERNAL', 'Something unexpected happened in the agent', { cause: thrown })
}

/** What fastify's own errors carry. */
interface FrameworkError {
  readonly code?: string
  readonly statusCode?: number
  readonly validation?: readonly { instancePath?: string; message?: string }[]
  readonly validationContext?: string
}
