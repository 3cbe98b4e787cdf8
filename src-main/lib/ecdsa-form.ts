const HALF_BYTES = 32

/**
 * ECDSA P-256 signatures in their two forms: `r ‖ s` of 32 bytes each (IEEE P1363), as they travel here, and the DER sequence
 * of two integers (RFC 3279 section 2.2.3) that OpenSSL works with. Asked for the first form, `node:crypto` takes as long for
 * finding out the size of the halves as for half a signature.
 */

/** @throws RangeError when this is not a DER signature of that size */
export function p1363FromDer(der: Uint8Array): Buffer {
  const signature = Buffer.alloc(2 * HALF_BYTES)
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new RangeError('not a DER signature')
  let at = 2
  for (const half of [signature.subarray(0, HALF_BYTES), signature.subarray(HALF_BYTES)]) {
    const end = at + 2 + (der[at + 1] ?? 0)
    let start = at + 2
    while (start < end - 1 && der[start] === 0) start++
    if (der[at] !== 0x02 || end > der.length || start === end || end - start > HALF_BYTES)
      throw new RangeError('not a DER signature of P-256')
    half.set(der.subarray(start, end), HALF_BYTES - (end - start))
    at = end
  }
  if (at !== der.length) throw new RangeError('not a DER signature')
  return signature
}

/** @throws RangeError when it does not have 64 bytes */
export function derFromP1363(signature: Uint8Array): Buffer {
  if (signature.length !== 2 * HALF_BYTES) throw new RangeError(`signature of ${signature.length} bytes`)
  const der = Buffer.alloc(2 + 2 * (2 + 1 + HALF_BYTES))
  let at = 2
  for (const half of [signature.subarray(0, HALF_BYTES), signature.subarray(HALF_BYTES)]) {
    let start = 0
    while (start < HALF_BYTES - 1 && half[start] === 0) start++
    // A leading zero where the number would otherwise count as negative.
    const pad = half[start]! >= 0x80 ? 1 : 0
    der[at] = 0x02
    der[at + 1] = pad + HALF_BYTES - start
    der.set(half.subarray(start), at + 2 + pad)
    at += 2 + der[at + 1]!
  }
  der[0] = 0x30
  der[1] = at - 2
  return der.subarray(0, at)
}
