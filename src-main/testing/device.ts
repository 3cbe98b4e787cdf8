import { generateKeyPairSync, sign } from 'node:crypto'
import type { PeerId } from '../contract/ids.ts'
import { p1363FromDer } from '../lib/ecdsa-form.ts'
import { peerIdOf } from '../peers/fleet/certificate.ts'

/** The key of a device, and nothing else of it. */
export interface Device {
  readonly id: PeerId
  readonly spki: Buffer
  sign(message: Uint8Array): Buffer
}

export function makeDevice(): Device {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return { id: peerIdOf(spki), spki, sign: (message) => p1363FromDer(sign('sha256', message, privateKey)) }
}
