import { describe, expect, it } from 'vitest'
import { failureOf } from './failures.ts'

const tlsError = (code: string, alert: number) =>
  Object.assign(
    new Error(
      `write EPROTO 400D:error:0A000418:SSL routines:ssl3_read_bytes:some text:../deps/x.c:918:SSL alert number ${alert}\n`
    ),
    { code }
  )

describe('what a server says by a TLS alert', () => {
  it.each([42, 43, 44, 45, 46, 48, 49, 116])(
    'about the client certificate (%i) has a code of its own, whatever the error is called',
    (alert) => {
      for (const code of ['EPROTO', 'ERR_SSL_SOMETHING']) {
        expect(failureOf(tlsError(code, alert), 'h')).toMatchObject({
          code: 'ORIGIN_CLIENT_CERTIFICATE',
          message: expect.stringContaining('client certificate')
        })
        expect(failureOf(new Error('wrapped', { cause: tlsError(code, alert) }), 'h').code).toBe(
          'ORIGIN_CLIENT_CERTIFICATE'
        )
      }
    }
  )

  it('about anything else stays an error of the connection', () => {
    expect(failureOf(tlsError('EPROTO', 40), 'h')).toMatchObject({
      code: 'ORIGIN_TLS',
      message: expect.stringContaining('may want a client certificate')
    })
    expect(failureOf(tlsError('EPROTO', 70), 'h').code).toBe('ORIGIN_TLS')
    expect(failureOf(Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' }), 'h').code).toBe('ORIGIN_TLS')
  })
})
