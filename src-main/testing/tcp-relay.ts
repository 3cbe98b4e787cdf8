import net, { type AddressInfo, type Socket } from 'node:net'

/** How the way between two ends fails. `cut`: connections break and none is taken. `silent`: they stay and nothing passes. */
export type RelayFault = 'cut' | 'silent'

/** A way to a local port that can be broken and mended. */
export interface TcpRelay {
  readonly port: number
  break(fault: RelayFault): void
  heal(): void
  close(): Promise<void>
}

/** Listens on loopback and passes everything on to `target` there. */
export async function startTcpRelay(target: number): Promise<TcpRelay> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let fault: RelayFault | null = null
  const server = net.createServer((from) => {
    from.on('error', () => {})
    if (fault === 'cut') return void from.resetAndDestroy()
    const to = net.connect(target, '127.0.0.1').on('error', () => {})
    const pair = [from, to] as const
    pairs.add(pair)
    for (const [socket, other] of [pair, [to, from] as const]) {
      socket.pipe(other)
      socket.once('close', () => {
        other.destroy()
        pairs.delete(pair)
      })
    }
    if (fault === 'silent') hold(pair)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    break(how) {
      fault = how
      for (const pair of pairs) {
        if (how === 'silent') hold(pair)
        else for (const socket of pair) socket.resetAndDestroy()
      }
    },
    heal() {
      fault = null
      for (const [from, to] of pairs) {
        from.pipe(to)
        to.pipe(from)
      }
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** What arrives stays in the buffers of the system. */
function hold([from, to]: readonly [Socket, Socket]): void {
  from.unpipe(to).pause()
  to.unpipe(from).pause()
}
