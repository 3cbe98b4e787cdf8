import type { AddressInfo, Server } from 'node:net'
import { LarderError, systemCode } from './errors.ts'

/** Where a server is to be found: `host` is a name or an address, without brackets. */
export interface ListenPlace {
  readonly host: string
  readonly port: number
}

/** Reads `host:port` and `[v6]:port`. */
export function readListenAt(at: string): ListenPlace {
  const { hostname, port } = new URL(`tcp://${at}`)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

/**
 * Opens a server. What goes wrong with a connection that comes later, such as too many open files, costs that connection and no more.
 * @returns the port. @throws the system's error
 */
export async function listenOn(server: Server, { host, port }: ListenPlace): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', () => {})
  return (server.address() as AddressInfo).port
}

/**
 * The same where a setting says.
 * @param at what it says, `host:port`. @returns the port. @throws PORT_TAKEN
 */
export async function listenAt(server: Server, at: string, setting: string): Promise<number> {
  const place = readListenAt(at)
  try {
    return await listenOn(server, place)
  } catch (cause) {
    throw new LarderError('PORT_TAKEN', `${setting}: ${at} cannot be opened (${systemCode(cause) ?? String(cause)})`, {
      port: place.port,
      setting,
      cause
    })
  }
}
