import { chmod, mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { lockFolder } from '../cache/folder-lock.ts'
import { Sha256Hex, type PeerId } from '../contract/ids.ts'
import { readBoundedFile } from '../lib/bounded-file.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import { hasCode, LarderError, systemCode } from '../lib/errors.ts'
import { writePrivateFile } from '../lib/private-file.ts'
import { shortId } from '../lib/short-id.ts'
import { readDenyList, type DenyList } from '../peers/fleet/deny-list.ts'
import {
  acceptEnrolment,
  denyListFile,
  MAX_FLEET_FILE_BYTES,
  parseFleetFile,
  recallListFile,
  sameFleet,
  type EnrolmentFile
} from '../peers/fleet/enrolment.ts'
import { FleetCa, type Member } from '../peers/fleet/fleet-ca.ts'
import { expiresAtMs, makeRequest, MAX_REQUEST_CHARACTERS } from '../peers/fleet/fleet-certificate.ts'
import { FleetFolder } from '../peers/fleet/fleet-folder.ts'
import { readRecallList } from '../peers/fleet/recall-list.ts'
import { loadIdentity, type Identity } from '../peers/fleet/identity.ts'
import type { Output } from './output.ts'
import { localTime } from './printable.ts'

const DAY_MS = 24 * 3600_000
export const DEFAULT_DAYS = 365
const MAX_PASSPHRASE_BYTES = 4096

export interface FleetOptions {
  readonly dataDir?: string
}

/** Options of commands that need the CA. */
export interface CaOptions extends FleetOptions {
  readonly caDir?: string
  readonly passphraseFile?: string
}

export interface EnrolOptions extends CaOptions {
  readonly request?: string
  readonly name?: string
  readonly days?: number
}

const dataDirOf = ({ dataDir }: FleetOptions): string => dataPaths(dataDir ?? defaultDataDir()).root
export const caDirOf = (options: CaOptions): string =>
  options.caDir === undefined ? join(dataDirOf(options), 'fleet-ca') : resolve(options.caDir)

/** Makes the CA of a new fleet. */
export async function initFleet(options: CaOptions, output: Output): Promise<void> {
  const dir = caDirOf(options)
  const passphrase = await passphraseOf(options)
  const ca = await withCaLock(dir, () => FleetCa.create(dir, { passphrase, clock: systemClock }))
  const protection =
    passphrase === undefined
      ? 'Its key has no passphrase: anyone who can read this folder can add PCs to the fleet.'
      : 'Its key is encrypted with the passphrase.'
  output.result(
    { caDir: dir, sealed: passphrase !== undefined, fingerprint: ca.certificate.fingerprint256 },
    () =>
      `The fleet CA is in ${dir}. ${protection}\nKeep a copy of the folder in a safe place. Next: \`larder fleet enroll\` on this PC, \`larder fleet enroll --request <file>\` on the others.`
  )
}

/**
 * Makes this PC a member: at the CA on this PC at once, or (`--request`) by a file for whoever holds the CA. With `renew` only a
 * PC that is a member already.
 */
export async function enrol(options: EnrolOptions, output: Output, { renew }: { renew: boolean }): Promise<void> {
  const { folder, identity, dataDir } = await deviceOf(options)
  if (renew && !(await folder.enrolment(identity.spki)))
    throw new LarderError('FLEET_INVALID', 'This PC has no certificate of a fleet CA that could be renewed', {
      dataDir
    })
  const request = await makeRequest(identity.keyPem, options.name ?? hostname())
  if (options.request !== undefined) {
    await writeOut(options.request, request)
    output.result(
      { request: options.request, peer: identity.id },
      () =>
        `The request of this PC (${shortId(identity.id)}) is in ${options.request}. The holder of the fleet CA runs \`larder fleet sign\` on it; then \`larder fleet install\` the answer here.`
    )
    return
  }
  const { file } = await withCa(options, (ca) =>
    ca.sign(request, { lifetimeMs: lifetimeOf(options), name: options.name })
  )
  await install(folder, identity, file, output)
}

/** Answers a request with a certificate. */
export async function signRequest(
  path: string,
  options: EnrolOptions & { readonly output?: string },
  output: Output
): Promise<void> {
  const request = await readText(path, MAX_REQUEST_CHARACTERS)
  const { file, member } = await withCa(options, (ca) =>
    ca.sign(request, { lifetimeMs: lifetimeOf(options), name: options.name })
  )
  const to = options.output ?? `${path}.enrolment.json`
  await writeOut(to, `${JSON.stringify(file)}\n`)
  output.result(
    { enrolment: to, ...memberFacts(member) },
    () =>
      `${member.name} (${shortId(member.peer)}) is a member until ${localTime(member.expiresAt)}. On that PC: \`larder fleet install ${to}\``
  )
}

/** Takes what the holder of the CA sent: the answer to a request, or a deny list. */
export async function installFile(path: string, options: FleetOptions, output: Output): Promise<void> {
  const file = parseFleetFile(await readText(path, MAX_FLEET_FILE_BYTES), path)
  const { folder, identity } = await deviceOf(options)
  if (file.larder === 'fleet-enrolment') return install(folder, identity, file, output)
  const enrolment = await folder.enrolment(identity.spki)
  if (!enrolment)
    throw new LarderError('FLEET_INVALID', 'This PC is not a member of a fleet with a CA; give the list to one that is')
  if (file.larder === 'fleet-recall-list') {
    const recalls = readRecallList(Buffer.from(file.recallList, 'base64url'), enrolment.ca.publicKey)
    if (!recalls)
      throw new LarderError('FLEET_INVALID', `${path} was not signed by the CA of this PC's fleet`, { path })
    await folder.offerRecallList(recalls)
    return output.result(
      { recallListNumber: recalls.number, contents: recalls.recalled.size },
      () =>
        `Recall list ${recalls.number} (${recalls.recalled.size} contents) will reach all members once the agent of this PC is running.`
    )
  }
  const list = readDenyList(Buffer.from(file.denyList, 'base64url'), enrolment.ca.publicKey)
  if (!list) throw new LarderError('FLEET_INVALID', `${path} was not signed by the CA of this PC's fleet`, { path })
  await folder.offerDenyList(list)
  output.result(
    { denyListNumber: list.number, denied: list.denied.size },
    () =>
      `Deny list ${list.number} (${list.denied.size} devices) will reach all members once the agent of this PC is running.`
  )
}

/** Removes devices from the fleet, or undoes that. */
export async function revoke(
  who: readonly string[],
  options: CaOptions & { readonly undo?: boolean; readonly output?: string },
  output: Output
): Promise<void> {
  const { members, denyList } = await withCa(options, (ca) => ca.revoke(who, { undo: options.undo === true }))
  if (options.output !== undefined) await writeOut(options.output, `${JSON.stringify(denyListFile(denyList))}\n`)
  const handed = await handToOwnAgent(options, denyList)
  if (!handed && options.output === undefined)
    throw new LarderError(
      'FLEET_INVALID',
      `Deny list ${denyList.number} was created, but this PC is not a member and cannot distribute it. Run the command again with --output <file> and install that file on any member`
    )
  const names = members.map(({ name, peer }) => `${name} (${shortId(peer)})`).join(', ')
  const way = handed
    ? 'The agent of this PC distributes the list within seconds while it is running.'
    : `Run \`larder fleet install ${options.output}\` on any one member.`
  output.result(
    {
      members: members.map(memberFacts),
      denyListNumber: denyList.number,
      denied: denyList.denied.size,
      handed,
      ...(options.output && { file: options.output })
    },
    () => `${names} ${options.undo ? 'may take part again' : 'is removed from the fleet'}. ${way}`
  )
}

/** Says for the whole fleet that a content is not to be used, or takes that back. */
export async function recall(
  content: string,
  options: CaOptions & { readonly reason?: string; readonly undo?: boolean; readonly output?: string },
  output: Output
): Promise<void> {
  const sha256 = Sha256Hex.safeParse(content.toLowerCase().replace(/^sha256:/, '')).data
  if (!sha256) throw new LarderError('DIGEST_INVALID', 'Name the content as sha256:<64 hex digits>')
  const undo = options.undo === true
  if (!undo && !options.reason?.trim()) throw new LarderError('BAD_REQUEST', 'Say why with --reason <text>')
  const list = await withCa(options, (ca) => ca.recall(sha256, options.reason ?? '', { undo }))
  if (options.output !== undefined) await writeOut(options.output, `${JSON.stringify(recallListFile(list))}\n`)
  const { folder, identity } = await deviceOf(options)
  const enrolment = await folder.enrolment(identity.spki).catch(() => undefined)
  const handed = enrolment !== undefined && readRecallList(list.bytes, enrolment.ca.publicKey) !== undefined
  if (handed) await folder.offerRecallList(list)
  else if (options.output === undefined)
    throw new LarderError(
      'FLEET_INVALID',
      `Recall list ${list.number} was created, but this PC is not a member and cannot distribute it. Run the command again with --output <file> and install that file on any member`
    )
  const way = handed
    ? 'The agent of this PC distributes the list within seconds while it is running.'
    : `Run \`larder fleet install ${options.output}\` on any one member.`
  output.result(
    {
      sha256,
      recalled: !undo,
      recallListNumber: list.number,
      contents: list.recalled.size,
      handed,
      ...(options.output && { file: options.output })
    },
    () => `sha256:${sha256} ${undo ? 'may be used again' : 'is recalled'}. ${way}`
  )
}

/** Takes this PC out of its fleet; its identity stays. */
export async function leaveFleet(options: FleetOptions, output: Output): Promise<void> {
  const { folder } = await deviceOf(options)
  await folder.clear()
  output.result({ left: true }, () => 'This PC is no longer a member of a fleet with a CA. Start its agent again.')
}

async function install(folder: FleetFolder, identity: Identity, file: EnrolmentFile, output: Output): Promise<void> {
  const { enrolment, denyList } = acceptEnrolment(file, identity.spki)
  // An enrolment that cannot be read is replaced.
  const before = await folder.enrolment(identity.spki).catch((error: unknown) => {
    if (hasCode(error, 'FLEET_INVALID')) return undefined
    throw error
  })
  if (before && !sameFleet(before, enrolment)) await folder.clear()
  await folder.keepEnrolment(enrolment)
  if (denyList) await folder.offerDenyList(denyList)
  const renewed = before !== undefined && sameFleet(before, enrolment)
  const until = expiresAtMs(enrolment.certificate)
  output.result(
    { peer: identity.id, expiresAt: until, renewed },
    () =>
      `This PC (${shortId(identity.id)}) is a member of the fleet until ${localTime(until)}. ${renewed ? 'A running agent takes the new certificate within seconds.' : 'Start its agent (again).'}`
  )
}

async function handToOwnAgent(options: CaOptions, denyList: DenyList): Promise<boolean> {
  const { folder, identity } = await deviceOf(options)
  const enrolment = await folder.enrolment(identity.spki).catch(() => undefined)
  if (!enrolment) return false
  if (!readDenyList(denyList.bytes, enrolment.ca.publicKey)) return false
  await folder.offerDenyList(denyList)
  return true
}

/** This PC's place between peers; its identity is made when it has none yet. */
export async function deviceOf(
  options: FleetOptions
): Promise<{ dataDir: string; identity: Identity; folder: FleetFolder }> {
  const dataDir = dataDirOf(options)
  if ((await mkdir(dataDir, { recursive: true, mode: 0o700 })) !== undefined && process.platform !== 'win32')
    await chmod(dataDir, 0o700)
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  return {
    dataDir,
    identity: await loadIdentity(dataDir, { clock: systemClock, log: silent }),
    folder: new FleetFolder(dataDir)
  }
}

async function withCa<T>(options: CaOptions, work: (ca: FleetCa) => Promise<T>): Promise<T> {
  const dir = caDirOf(options)
  const passphrase = await passphraseOf(options)
  return withCaLock(dir, async () => work(await FleetCa.open(dir, { passphrase, clock: systemClock })))
}

/** One command at a time: two would each forget what the other wrote into the register. */
async function withCaLock<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new LarderError('FLEET_CA_UNUSABLE', `The folder ${dir} cannot be made (${systemCode(error) ?? 'unknown'})`, {
      dir,
      cause: error
    })
  })
  let lock
  try {
    lock = lockFolder(join(dir, 'ca.lock'))
  } catch (error) {
    throw new LarderError('FLEET_CA_UNUSABLE', `Another command uses the fleet CA in ${dir}`, { dir, cause: error })
  }
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/** From `--passphrase-file`, else `LARDER_CA_PASSPHRASE`. A line break at the end is not part of it. */
async function passphraseOf({ passphraseFile }: CaOptions): Promise<string | undefined> {
  if (passphraseFile === undefined) return process.env['LARDER_CA_PASSPHRASE'] || undefined
  return (await readText(passphraseFile, MAX_PASSPHRASE_BYTES)).replace(/\r?\n$/, '')
}

async function readText(path: string, maxBytes: number): Promise<string> {
  try {
    return (await readBoundedFile(path, maxBytes)).toString('utf8')
  } catch (error) {
    throw new LarderError(
      'FLEET_INVALID',
      `${path} cannot be read (${systemCode(error) ?? (error as Error).message})`,
      { path, cause: error }
    )
  }
}

/** Requests and answers are for this user alone until somebody passes them on. */
async function writeOut(path: string, text: string): Promise<void> {
  try {
    await writePrivateFile(resolve(path), text)
  } catch (error) {
    throw new LarderError(
      'DESTINATION_UNWRITABLE',
      `${path} cannot be written (${systemCode(error) ?? (error as Error).message})`,
      { path, cause: error }
    )
  }
}

function lifetimeOf({ days = DEFAULT_DAYS }: EnrolOptions): number {
  return days * DAY_MS
}

export function memberFacts({ peer, name, issuedAt, expiresAt, deniedAt }: Member): {
  peer: PeerId
  name: string
  issuedAt: number
  expiresAt: number
  deniedAt: number | null
} {
  return { peer, name, issuedAt, expiresAt, deniedAt }
}
