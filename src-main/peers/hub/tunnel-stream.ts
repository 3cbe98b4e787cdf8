// Why it is like this: docs/decisions/0074-a-hub-behind-a-proxy-is-reached-by-tls-in-a-websocket.md
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/** TLS records are up to 16 KiB; several may travel in one frame. */
export const MAX_TUNNEL_FRAME_BYTES = 1024 * 1024
/** What follows the path of a hub behind a proxy. */
export const TUNNEL_PATH = 'hub'

/** The bytes of a tunnel. It is closed with its WebSocket, whatever way that ends; `ws` by itself waits for ever to send the rest. */
export function tunnelStream(ws: WebSocket): Duplex {
  const stream = createWebSocketStream(ws)
  stream.on('error', () => {})
  stream.once('end', () => stream.destroy())
  return stream
}
