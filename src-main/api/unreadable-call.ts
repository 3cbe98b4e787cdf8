import type { Socket } from 'node:net'
import { LarderError, systemCode } from '../lib/errors.ts'
import { errorAnswer } from './error-answer.ts'

/**
 * For `clientError`: hangs up on what is not readable as HTTP, is too long or does not come, and says so to whoever has asked
 * something. Nobody who has not asked is answered: browsers open connections before they need them, and would take what comes
 * for the answer to whatever they ask next; where a connection just ends, they ask again on another.
 */
export function answerUnreadable(error: Error, socket: Socket): void {
  if (systemCode(error) === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0) return void socket.destroy()
  const { status, message } = answerTo(systemCode(error))
  const body = JSON.stringify(errorAnswer(new LarderError('BAD_REQUEST', message)).view)
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  )
}

function answerTo(code: string | undefined): { status: string; message: string } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: '431 Request Header Fields Too Large', message: 'The header of the call is too long' }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: '408 Request Timeout', message: 'The call did not arrive in time' }
    default:
      return { status: '400 Bad Request', message: 'The call cannot be read as HTTP' }
  }
}
