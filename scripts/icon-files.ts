/** Windows icon from PNGs by their size in pixels (at most 256): ICONDIR, one ICONDIRENTRY each, then the PNGs as they are. */
export function ico(pngs: ReadonlyMap<number, Buffer>): Buffer {
  const entries = [...pngs].toSorted(([a], [b]) => a - b)
  const header = Buffer.alloc(6 + 16 * entries.length)
  header.writeUInt16LE(1, 2)
  header.writeUInt16LE(entries.length, 4)
  let offset = header.length
  for (const [at, [size, png]] of entries.entries()) {
    if (size > 256) throw new RangeError(`an .ico holds at most 256 pixels, not ${size}`)
    const entry = 6 + 16 * at
    // 0 stands for 256.
    header.writeUInt8(size % 256, entry)
    header.writeUInt8(size % 256, entry + 1)
    header.writeUInt16LE(1, entry + 4)
    header.writeUInt16LE(32, entry + 6)
    header.writeUInt32LE(png.length, entry + 8)
    header.writeUInt32LE(offset, entry + 12)
    offset += png.length
  }
  return Buffer.concat([header, ...entries.map(([, png]) => png)])
}

/** Kinds of an `.icns` that take a PNG, and its size in pixels. */
const icnsKinds: Readonly<Record<string, number>> = {
  ic07: 128,
  ic08: 256,
  ic09: 512,
  ic10: 1024,
  ic11: 32,
  ic12: 64,
  ic13: 256,
  ic14: 512
}

/** macOS icon from PNGs by their size in pixels: `icns`, the length of all, then (kind, length, PNG) each. */
export function icns(pngs: ReadonlyMap<number, Buffer>): Buffer {
  const chunk = (kind: string, data: Buffer): Buffer => {
    const header = Buffer.alloc(8)
    header.write(kind, 0, 'latin1')
    header.writeUInt32BE(8 + data.length, 4)
    return Buffer.concat([header, data])
  }
  const parts = Object.entries(icnsKinds).map(([kind, size]) => {
    const png = pngs.get(size)
    if (!png) throw new RangeError(`${kind} needs a picture of ${size} pixels`)
    return chunk(kind, png)
  })
  return chunk('icns', Buffer.concat(parts))
}
