/** The release of this program; kept equal to `package.json` by a test. */
export const LARDER_VERSION = '0.1.0'

/** Version of the local HTTP API. A client works with an agent whose API version is in {@link SUPPORTED_API}. */
export const API_VERSION = 1

/** Range of local API versions the client library of this release can talk to (both ends included). */
export const SUPPORTED_API = { min: 1, max: 1 } as const

/**
 * Version of what commands say with `--json`. It grows when a property goes or means something else, not when one is added.
 * The shapes are in `docs/reference/cli-output.schema.json`.
 */
export const OUTPUT_VERSION = 1

/** Version of the protocol between peers, sent in beacon and hello. Peers with another major do not talk. */
export const PEER_PROTOCOL = 2

/** Default ports. The table with firewall rules is in `docs/ports.md`. */
export const DEFAULT_PORTS = {
  /** TCP, loopback only: local API, events, metrics. */
  api: 4725,
  /** TCP, LAN: mutual TLS 1.3, control connection and pieces. */
  peer: 4726,
  /** UDP, LAN: beacon, multicast and limited broadcast. */
  beacon: 4726,
  /** TCP, loopback only: HTTP gateway; closed unless `gateway.enabled`. */
  gateway: 4727
} as const
