/** Numbers from a seed: the same seed, the same run. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 2^32). */
  next(): number {
    // mulberry32 (public domain, Tommy Ettinger)
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** Uniform in [0, bound). */
  below(bound: number): number {
    return this.next() % bound
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

/** Numbers at which parsers break: signs, overflows, one too many. */
const edgeBytes = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x7f, 0x80, 0xfe, 0xff]
const edgeWords = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 16_384, 65_536]
const edgeTexts = [
  '',
  '-1',
  '0',
  '99999999999999999999',
  '1e309',
  'NaN',
  '%00',
  '\r\n',
  '\r\n\r\n',
  '"',
  '\\',
  '../',
  '\u202e',
  '\ud800',
  '*',
  'bytes 0-0/*',
  'x'.repeat(300)
]
const edgeValues: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  2 ** 53,
  '',
  '0',
  'x'.repeat(5000),
  '\u0000',
  [],
  {},
  [[[[[[[[]]]]]]]],
  { constructor: 1 },
  Array.from({ length: 500 }, () => 0)
]

/** Longest message a mutation makes. */
export const MAX_MUTATED_BYTES = 128 * 1024

/** Bytes that are almost `seed`: a few random changes, and pieces of `other` now and then. */
export function mutateBytes(seed: Uint8Array, other: Uint8Array, random: SeededRandom): Buffer {
  let bytes = Buffer.from(seed)
  for (let changes = 1 + random.below(4); changes > 0; changes--) bytes = changeOnce(bytes, other, random)
  return bytes.length > MAX_MUTATED_BYTES ? bytes.subarray(0, MAX_MUTATED_BYTES) : bytes
}

function changeOnce(bytes: Buffer<ArrayBuffer>, other: Uint8Array, random: SeededRandom): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1)
  const to = Math.min(bytes.length, at + 1 + random.below(16))
  const splice = (insert: Uint8Array, until = at) =>
    Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(until)])
  switch (random.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8)
      return bytes
    case 1:
      if (at < bytes.length) bytes[at] = random.of(edgeBytes)
      return bytes
    case 2:
      if (at + 4 <= bytes.length) bytes.writeUInt32BE(random.of(edgeWords), at)
      return bytes
    case 3:
      return splice(Buffer.alloc(0), to)
    case 4:
      return bytes.subarray(0, at)
    case 5:
      return splice(bytes.subarray(at, to))
    case 6:
      return splice(other.subarray(random.below(other.length + 1), random.below(other.length + 1)))
    case 7:
      return splice(Buffer.from(random.of(edgeTexts)))
    default:
      return splice(Buffer.alloc(random.below(64), random.next()))
  }
}

/** A JSON value that is almost `seed`: a value, a name or an element of it is another one, missing, or there twice. */
export function mutateJson(seed: unknown, random: SeededRandom): unknown {
  const value = structuredClone(seed)
  for (let changes = 1 + random.below(2); changes > 0; changes--) changeSomewhere(value, random)
  return value
}

function changeSomewhere(root: unknown, random: SeededRandom): void {
  let node = root
  for (;;) {
    if (typeof node !== 'object' || node === null) return
    const holder = node as Record<string, unknown>
    const names = Object.keys(holder)
    if (names.length === 0) {
      if (Array.isArray(node)) node.push(edgeValue(random))
      return
    }
    const name = random.of(names)
    const child = holder[name]
    if (typeof child === 'object' && child !== null && random.below(3) > 0) {
      node = child
      continue
    }
    switch (random.below(4)) {
      case 0:
        if (Array.isArray(node)) node.splice(Number(name), 1)
        else delete holder[name]
        return
      case 1:
        if (Array.isArray(node)) node.push(child)
        else holder[random.of(['t', 'key', 'epoch', '__proto__x', 'constructor'])] = child
        return
      case 2:
        if (typeof child === 'number') holder[name] = random.of([-child, child + 1, child * 2 ** 32, child / 3])
        else if (typeof child === 'string')
          holder[name] = mutateBytes(Buffer.from(child), Buffer.from('/..\\'), random).toString()
        else holder[name] = edgeValue(random)
        return
      default:
        holder[name] = edgeValue(random)
        return
    }
  }
}

/** A copy: the next change may go into it. */
function edgeValue(random: SeededRandom): unknown {
  return structuredClone(random.of(edgeValues))
}
