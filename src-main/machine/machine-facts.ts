import type { LinkFacts } from './links.ts'

/** What a machine is built as; `unknown` counts as a desktop. */
export type MachineForm = 'server' | 'desktop' | 'laptop' | 'unknown'

export interface Battery {
  /** Charge of all batteries together, 0–100; null where the system does not say. */
  readonly percent: number | null
  readonly discharging: boolean
}

/** What the probe of a system tells; slow to learn. */
export interface Hardware {
  readonly form: MachineForm
  /** Null: none. Batteries of mice and the like do not count. */
  readonly battery: Battery | null
}

/** What of a machine decides its weight. */
export interface MachineFacts extends Hardware {
  /** The interface that leads to the internet; null where unknown. */
  readonly link: LinkFacts | null
  /** Share of all processors that was busy recently, 0–1; null before it was measured. */
  readonly busy: number | null
  /** Free space on the disk of the cache, bytes; null where unknown. */
  readonly freeBytes: number | null
}

export const unknownHardware: Hardware = { form: 'unknown', battery: null }

/** Learns what a machine is built as and what it runs on. */
export interface HardwareProbe {
  /** Never rejects. @returns undefined when the system gave no answer this time */
  read(): Promise<Hardware | undefined>
}
