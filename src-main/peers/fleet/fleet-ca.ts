// Why it is like this: docs/decisions/0031-fleet-ca-and-a-secret.md
import { createPublicKey, generateKeyPairSync, randomBytes, X509Certificate, type KeyObject } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PeerId, Sha256Hex } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { LarderError, systemCode } from '../../lib/errors.ts'
import { readPrivateFile, writePrivateFile } from '../../lib/private-file.ts'
import { shortId } from '../../lib/short-id.ts'
import { peerIdOf } from './certificate.ts'
import { EMPTY_DENY_LIST, MAX_DENIED, signDenyList, type DenyList } from './deny-list.ts'
import { enrolmentFile, type Enrolment, type EnrolmentFile } from './enrolment.ts'
import { expiresAtMs, issueCertificate, makeCaCertificate, readRequest } from './fleet-certificate.ts'
import { EMPTY_RECALL_LIST, MAX_RECALLED, signRecallList, type RecallList } from './recall-list.ts'
import { KeyFile, openKey, sealKey } from './sealed-key.ts'

const DAY_MS = 24 * 3600_000
/** A denied device stays on the list this long after its last certificate has ended: clocks of members may be wrong. */
const FORGET_AFTER_MS = 365 * DAY_MS
const MAX_MEMBERS = 20_000
/** So many devices an error names. */
const MAX_CANDIDATES = 10
const MAX_REGISTER_BYTES = 8 * 1024 * 1024

/** A device that got a certificate. Times are wall clock, ms since 1970. */
const Member = z.object({
  peer: PeerId,
  name: z.string().max(64),
  issuedAt: z.number(),
  expiresAt: z.number(),
  deniedAt: z.number().nullable()
})
export type Member = z.infer<typeof Member>

const Register = z.object({
  v: z.literal(1),
  /** What each member gets with its certificate. */
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  denyListNumber: z.number().int().min(0).max(0xffff_ffff),
  members: z.array(Member).max(MAX_MEMBERS),
  recallListNumber: z.number().int().min(0).max(0xffff_ffff).default(0),
  recalls: z
    .array(z.object({ sha256: Sha256Hex, reason: z.string().max(400), at: z.number() }))
    .max(MAX_RECALLED)
    .default([])
})
type Register = z.infer<typeof Register>

/**
 * The CA of a fleet, in a folder of its own that only its holder needs:
 *
 *     ca-key.json      private key, under a passphrase if one was given
 *     ca.pem           its certificate
 *     register.json    who got a certificate, who was removed
 *
 * One at a time: the caller locks the folder.
 */
export class FleetCa {
  readonly certificate: X509Certificate
  readonly #dir: string
  readonly #key: KeyObject
  readonly #clock: Clock
  #register: Register

  private constructor(parts: {
    dir: string
    key: KeyObject
    certificate: X509Certificate
    register: Register
    clock: Clock
  }) {
    this.#dir = parts.dir
    this.#key = parts.key
    this.certificate = parts.certificate
    this.#register = parts.register
    this.#clock = parts.clock
  }

  /** @throws FLEET_CA_UNUSABLE when there is one already, or the folder cannot be written */
  static async create(
    dir: string,
    { passphrase, clock }: { passphrase?: string | undefined; clock: Clock }
  ): Promise<FleetCa> {
    if (await readFile(join(dir, 'ca-key.json'), 64 * 1024))
      throw new LarderError('FLEET_CA_UNUSABLE', `There is a fleet CA in ${dir} already`, { dir })
    const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
    const certificatePem = await makeCaCertificate(key)
    const register: Register = {
      v: 1,
      secret: randomBytes(32).toString('base64url'),
      denyListNumber: 0,
      members: [],
      recallListNumber: 0,
      recalls: []
    }
    const sealed = await sealKey(key, passphrase)
    const ca = new FleetCa({ dir, key, certificate: new X509Certificate(certificatePem), register, clock })
    await attempt(dir, async () => {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      await writePrivateFile(join(dir, 'ca.pem'), certificatePem)
      await ca.#keep()
      // Last: a folder with a key is a whole CA.
      await writePrivateFile(join(dir, 'ca-key.json'), `${JSON.stringify(sealed)}\n`)
    })
    return ca
  }

  /** @throws FLEET_CA_UNUSABLE */
  static async open(
    dir: string,
    { passphrase, clock }: { passphrase?: string | undefined; clock: Clock }
  ): Promise<FleetCa> {
    const [keyText, certificateText] = [
      await readFile(join(dir, 'ca-key.json'), 64 * 1024),
      await readFile(join(dir, 'ca.pem'), 64 * 1024)
    ]
    if (keyText === undefined || certificateText === undefined)
      throw new LarderError(
        'FLEET_CA_UNUSABLE',
        `There is no fleet CA in ${dir}; make one with \`larder fleet init\``,
        { dir }
      )
    const register = await readRegister(dir)
    const key = await openKey(parse(KeyFile, keyText, join(dir, 'ca-key.json')), passphrase)
    const certificate = await attempt(join(dir, 'ca.pem'), async () => new X509Certificate(certificateText))
    if (!certificate.checkPrivateKey(key))
      throw new LarderError('FLEET_CA_UNUSABLE', `Key and certificate in ${dir} do not belong together`, { dir })
    return new FleetCa({ dir, key, certificate, register, clock })
  }

  /**
   * Signs a device's request. `name` is for people; without it the request's is taken. Signing the same device again renews it.
   * @throws FLEET_INVALID when the request is none, or its device was removed
   */
  async sign(
    requestPem: string,
    { lifetimeMs, name }: { lifetimeMs: number; name?: string | undefined }
  ): Promise<{ file: EnrolmentFile; member: Member }> {
    const request = await readRequest(requestPem)
    const peer = peerIdOf(request.spki)
    const known = this.#register.members.find((member) => member.peer === peer)
    if (known?.deniedAt != null)
      throw new LarderError(
        'FLEET_INVALID',
        `${known.name} (${shortId(peer)}) was removed from the fleet; take that back with \`larder fleet revoke --undo\` first`,
        { peer }
      )
    if (!known && this.#register.members.length >= MAX_MEMBERS)
      throw new LarderError('FLEET_CA_UNUSABLE', `The register of the fleet CA is full (${MAX_MEMBERS} devices)`)
    const nowMs = this.#clock.wallMs()
    const certificate = new X509Certificate(
      await issueCertificate({ spki: request.spki, caKey: this.#key, nowMs, lifetimeMs })
    )
    const member: Member = {
      peer,
      name: name ?? known?.name ?? request.name,
      issuedAt: nowMs,
      expiresAt: expiresAtMs(certificate),
      deniedAt: null
    }
    this.#register.members = [...this.#register.members.filter((one) => one !== known), member]
    await this.#keep()
    const enrolment: Enrolment = {
      ca: this.certificate,
      certificate,
      secret: Buffer.from(this.#register.secret, 'base64url')
    }
    return { file: enrolmentFile(enrolment, this.denyList()), member }
  }

  /**
   * Removes devices from the fleet, or undoes that. `who`: names, peer ids, or beginnings of those (8 digits and more).
   * @throws NOT_FOUND when a word fits none, BAD_REQUEST when it fits several, with their ids in `candidates`; FLEET_CA_UNUSABLE when the list is full
   */
  async revoke(
    who: readonly string[],
    { undo }: { undo: boolean }
  ): Promise<{ members: Member[]; denyList: DenyList }> {
    const members = who.map((word) => this.#find(word))
    const deniedAt = undo ? null : this.#clock.wallMs()
    for (const member of members) member.deniedAt = undo ? null : (member.deniedAt ?? deniedAt)
    if (this.#denied().length > MAX_DENIED)
      throw new LarderError(
        'FLEET_CA_UNUSABLE',
        `The deny list is full (${MAX_DENIED} devices); begin a new fleet with \`larder fleet init\``
      )
    this.#register.denyListNumber++
    await this.#keep()
    return { members, denyList: this.denyList() }
  }

  /**
   * Says that nobody of the fleet is to have a content, or takes that back.
   * @throws FLEET_CA_UNUSABLE when the list is full; NOT_FOUND when there is nothing to take back
   */
  async recall(sha256: Sha256Hex, reason: string, { undo }: { undo: boolean }): Promise<RecallList> {
    const others = this.#register.recalls.filter((one) => one.sha256 !== sha256)
    if (undo && others.length === this.#register.recalls.length)
      throw new LarderError('NOT_FOUND', `sha256:${sha256} is not recalled`)
    if (!undo && others.length >= MAX_RECALLED)
      throw new LarderError(
        'FLEET_CA_UNUSABLE',
        `The recall list is full (${MAX_RECALLED} contents); take old ones back with --undo`
      )
    this.#register.recalls = undo
      ? others
      : [...others, { sha256, reason: reason.slice(0, 400), at: this.#clock.wallMs() }]
    this.#register.recallListNumber++
    await this.#keep()
    return this.recallList()
  }

  /** The recall list in force, signed. */
  recallList(): RecallList {
    const { recallListNumber, recalls } = this.#register
    return recallListNumber === 0
      ? EMPTY_RECALL_LIST
      : signRecallList(
          this.#key,
          recallListNumber,
          recalls.map(({ sha256, reason }) => [sha256, reason])
        )
  }

  /** The list in force, signed. */
  denyList(): DenyList {
    const { denyListNumber } = this.#register
    return denyListNumber === 0 ? EMPTY_DENY_LIST : signDenyList(this.#key, denyListNumber, this.#denied())
  }

  #denied(): PeerId[] {
    const nowMs = this.#clock.wallMs()
    return this.#register.members
      .filter(({ deniedAt, expiresAt }) => deniedAt !== null && expiresAt + FORGET_AFTER_MS > nowMs)
      .map(({ peer }) => peer)
  }

  #find(word: string): Member {
    const id = /^[0-9a-f]{8,64}$/i.test(word) ? word.toLowerCase() : undefined
    const fitting = this.#register.members.filter(
      ({ peer, name }) => name === word || (id !== undefined && peer.startsWith(id))
    )
    if (fitting.length === 0)
      throw new LarderError(
        'NOT_FOUND',
        `No device of the fleet is called ${word.slice(0, 80)}, or has an id that begins so (8 digits or more)`
      )
    if (fitting.length > 1) {
      const candidates = fitting.slice(0, MAX_CANDIDATES)
      const list = candidates.map(({ name, peer }) => `${name} (${shortId(peer)})`).join(', ')
      throw new LarderError(
        'BAD_REQUEST',
        `${word.slice(0, 80)} fits ${fitting.length} devices of the fleet: ${list}${fitting.length > MAX_CANDIDATES ? ', …' : ''}. Name one by its id`,
        { candidates: candidates.map(({ peer }) => peer).join(' ') }
      )
    }
    return fitting[0]!
  }

  async #keep(): Promise<void> {
    await attempt(this.#dir, () =>
      writePrivateFile(join(this.#dir, 'register.json'), `${JSON.stringify(this.#register)}\n`)
    )
  }
}

/** What can be said about a CA without its key. @throws FLEET_CA_UNUSABLE when it is damaged. @returns undefined when there is none */
export async function describeCa(
  dir: string
): Promise<{ members: Member[]; denyListNumber: number; sealed: boolean; publicKeyId: string } | undefined> {
  const [keyText, certificateText] = [
    await readFile(join(dir, 'ca-key.json'), 64 * 1024),
    await readFile(join(dir, 'ca.pem'), 64 * 1024)
  ]
  if (keyText === undefined || certificateText === undefined) return undefined
  const { members, denyListNumber } = await readRegister(dir)
  const publicKeyId = await attempt(join(dir, 'ca.pem'), async () =>
    peerIdOf(createPublicKey(certificateText).export({ format: 'der', type: 'spki' }))
  )
  return { members, denyListNumber, sealed: parse(KeyFile, keyText, join(dir, 'ca-key.json')).sealed, publicKeyId }
}

async function readRegister(dir: string): Promise<Register> {
  const path = join(dir, 'register.json')
  const text = await readFile(path, MAX_REGISTER_BYTES)
  if (text === undefined)
    throw new LarderError('FLEET_CA_UNUSABLE', `The register of the fleet CA, ${path}, is missing`, { path })
  return parse(Register, text, path)
}

function parse<T extends z.ZodType>(schema: T, text: string, path: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new LarderError('FLEET_CA_UNUSABLE', `${path} is damaged`, { path, cause })
  }
}

function readFile(path: string, maxBytes: number): Promise<string | undefined> {
  return attempt(path, async () => (await readPrivateFile(path, maxBytes))?.toString('utf8'))
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw new LarderError(
      'FLEET_CA_UNUSABLE',
      `${path} cannot be used (${systemCode(error) ?? (error as Error).message})`,
      { path, cause: error }
    )
  }
}
