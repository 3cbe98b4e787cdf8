import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A caller sends the head of its call at once, even on a PC that starves; one that is silent for this long is not a caller. */
const HEADERS_TIMEOUT_MS = 5000
/** How late that may be noticed. Each look wakes the process, whether or not anybody is connected. */
const CHECKED_EVERY_MS = 2500

/** For `http.createServer`. */
export const silentCallersLeave = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  connectionsCheckingInterval: CHECKED_EVERY_MS
} as const

interface Place {
  trusted: boolean
  /** Calls being answered. */
  calls: number
}

/**
 * Who may be connected to a server that every program of the PC can reach. When the places are taken, the connection goes that has
 * been there longest without a call and without having shown a token. Some places are only for those who have.
 */
export class ConnectionPlaces {
  readonly #most: number
  readonly #reserved: number
  /** Oldest first. */
  readonly #places = new Map<Socket, Place>()
  #untrusted = 0

  constructor(server: Server, { most, reserved }: { readonly most: number; readonly reserved: number }) {
    this.#most = most
    this.#reserved = reserved
    server.on('connection', (socket) => this.#take(socket))
    server.prependListener('request', (request, response) => this.#called(request, response))
  }

  /** The caller on this connection has shown a token. */
  trust(socket: Socket): void {
    const place = this.#places.get(socket)
    if (!place || place.trusted) return
    place.trusted = true
    this.#untrusted--
  }

  #take(socket: Socket): void {
    const place: Place = { trusted: false, calls: 0 }
    this.#places.set(socket, place)
    this.#untrusted++
    socket.once('close', () => {
      this.#places.delete(socket)
      if (!place.trusted) this.#untrusted--
    })
    if (this.#places.size <= this.#most && this.#untrusted <= this.#most - this.#reserved) return
    this.#idlest(socket).destroy()
  }

  /** The newest is idle as well: it goes when nobody else can. */
  #idlest(newest: Socket): Socket {
    for (const [socket, { trusted, calls }] of this.#places)
      if (!trusted && calls === 0 && !socket.destroyed) return socket
    return newest
  }

  #called({ socket }: IncomingMessage, response: ServerResponse): void {
    const place = this.#places.get(socket)
    if (!place) return
    place.calls++
    response.once('close', () => {
      place.calls--
      // It has just been of use: others go before it.
      if (this.#places.delete(socket)) this.#places.set(socket, place)
    })
  }
}
