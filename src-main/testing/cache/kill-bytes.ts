/** Bytes of the n-th content of the kill test: the same in every process, two or three pieces long. */
export function killedBytes(n: number): Buffer {
  const bytes = Buffer.alloc(2 * 1024 * 1024 + (n % 2) * 300_000, `content ${n} `)
  bytes.writeUInt32BE(n)
  return bytes
}
