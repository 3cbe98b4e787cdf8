import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, uptime } from 'node:os'
import { systemCode } from '../lib/errors.ts'
import type { Writer } from './part-name.ts'

/** This process among those that may write to the same folder; a port. */
export interface ThisProcess extends Writer {
  /** Wall clock, ms. */
  readonly bootedMs: number
  /** A process of this place runs. */
  isAlive(pid: number): boolean
}

/** It cannot change while this process runs. */
let place: string | undefined

export function thisProcess(): ThisProcess {
  return {
    pid: process.pid,
    place: (place ??= thisPlace()),
    bootedMs: Date.now() - uptime() * 1000,
    isAlive
  }
}

/**
 * Where process numbers mean the same as here: host, boot and, on Linux, the namespace of the container. 8 hex digits. Elsewhere a boot
 * is told by its time alone.
 */
function thisPlace(): string {
  const facts = [
    hostname(),
    quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    quietly(() => readlinkSync('/proc/self/ns/pid'))
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8)
}

function quietly(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
