import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { open, rm, statfs } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { systemCode } from '../../lib/errors.ts'
import { INSTALLER_HOME, outcomeIn, readOutcome } from '../../updates/installer-folder.ts'
import type { Outcome } from '../../updates/update-machine.ts'

const TCP_MS = 1500
const MULTICAST_MS = 1000
const COMMAND_MS = 5000
const MAX_OUTPUT_BYTES = 1 << 20

/** Runs a command. Null when it cannot be run, or not in time. */
export type Run = (
  file: string,
  args: readonly string[]
) => Promise<{ readonly code: number; readonly stdout: string } | null>

/** Everything the doctor does to the world. */
export interface Probes {
  readonly run: Run
  /** Opens a TCP connection and closes it. @returns null, or the system's code of the failure */
  connect(host: string, port: number): Promise<string | null>
  /** Sends a datagram to a group out of an interface and waits for it there. @returns null, or what went wrong */
  multicast(group: string, address: string): Promise<string | null>
  /** Writes a file and removes it. @returns null, or the system's code of the failure */
  write(folder: string): Promise<string | null>
  /** What the installer of this PC has done last; null: nothing. */
  lastUpdate(): Promise<Outcome | null>
  /** Free for this user; null where the file system does not say. */
  freeBytes(folder: string): Promise<number | null>
}

export const systemProbes: Probes = {
  lastUpdate: () => readOutcome(outcomeIn(INSTALLER_HOME)).catch(() => null),
  freeBytes: (folder) =>
    statfs(folder).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => null
    ),

  run: (file, args) =>
    new Promise((resolve) => {
      execFile(
        file,
        [...args],
        { timeout: COMMAND_MS, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true },
        (error, stdout) => {
          const code = error === null ? 0 : error.code
          resolve(typeof code === 'number' ? { code, stdout } : null)
        }
      )
    }),

  connect: (host, port) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, timeout: TCP_MS })
      const settle = (problem: string | null) => {
        socket.destroy()
        resolve(problem)
      }
      socket.once('connect', () => settle(null))
      socket.once('timeout', () => settle('ETIMEDOUT'))
      socket.once('error', (error) => settle(systemCode(error) ?? 'unknown'))
    }),

  async multicast(group, address) {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    socket.on('error', () => {})
    const token = randomBytes(16)
    try {
      socket.bind(0)
      await once(socket, 'listening')
      socket.addMembership(group, address)
      socket.setMulticastInterface(address)
      socket.setMulticastLoopback(true)
      const signal = AbortSignal.timeout(MULTICAST_MS)
      const came = (async () => {
        for (;;) {
          const [message] = (await once(socket, 'message', { signal })) as [Buffer]
          if (message.equals(token)) return
        }
      })()
      came.catch(() => {})
      await new Promise<void>((resolve, reject) =>
        socket.send(token, socket.address().port, group, (error) => (error ? reject(error) : resolve()))
      )
      await came
      return null
    } catch (error) {
      return (error as Error).name === 'AbortError'
        ? 'the datagram did not come back'
        : (systemCode(error) ?? String(error))
    } finally {
      socket.close()
    }
  },

  async write(folder) {
    const path = join(folder, `.larder-doctor-${randomBytes(6).toString('hex')}`)
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        await file.write('x')
        await file.sync()
      } finally {
        await file.close()
      }
      return null
    } catch (error) {
      return systemCode(error) ?? 'unknown'
    } finally {
      await rm(path, { force: true }).catch(() => {})
    }
  }
}
