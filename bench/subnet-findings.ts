import type { Got, LabPc, SubnetLab, SubnetLabOptions } from './lab/subnet-lab.ts'

/** One figure, and whether it is within its limit. */
export interface Finding {
  readonly what: string
  readonly seen: string | number
  readonly limit?: string
  readonly held: boolean
}

export interface ScenarioWorld {
  readonly subnets: number
  readonly pcs: number
  readonly size: number
  readonly repeat: number
  open(options?: Partial<SubnetLabOptions>): Promise<SubnetLab>
  closeLab(): Promise<void>
  bytes(length: number): Buffer
  readonly files: readonly Buffer[]
  digest(bytes: Buffer): string
  say(text: string): void
  /** What is found before something fails is kept, and told at once. */
  readonly found: Finding[]
  readonly note: (...findings: Finding[]) => void
}

export const atHub = (hub: LabPc): string => `hub.urls=["larder://${hub.address}:4726"]`
export const round = (value: number, digits = 3): number => Number(value.toFixed(digits))

export function allRight(got: readonly Got[], bytes: number): Finding {
  const wrong = got.filter((one) => one.error !== null || one.bytes !== bytes)
  const why = wrong.map(({ pc, error, bytes: of }) => `${pc.name}: ${error ?? `${of} bytes`}`).join('; ')
  return {
    what: 'requests that ended right',
    seen: `${got.length - wrong.length} of ${got.length}${why && ` (${why.slice(0, 300)})`}`,
    held: wrong.length === 0
  }
}

export function atMost(what: string, seen: number, limit: number): Finding {
  return { what, seen: round(seen), limit: `at most ${limit}`, held: seen <= limit }
}

/** Bytes that came into each subnet from other subnets since `before`, as a part of the content. */
export function routerRatios(before: number[][], after: number[][], contentBytes: number): number[] {
  return after
    .map((_, to) =>
      after.reduce((sum, row, from) => (from === 0 || to === 0 ? sum : sum + row[to]! - before[from]![to]!), 0)
    )
    .slice(1)
    .map((bytes) => bytes / contentBytes)
}

/** Why PCs asked the origin. */
export function whys(got: readonly Got[]): Finding {
  const said = got.flatMap(({ pc, view }) =>
    view === null
      ? [`${pc.name}: ?`]
      : view.split.originBytes > 0
        ? [`${pc.name}: ${view.reasons.map(({ code }) => code).join('+')}`]
        : []
  )
  return { what: 'who asked the origin, and why', seen: said.join(', '), held: true }
}

export const firstBytes = (got: readonly Got[]): number =>
  Math.max(...got.map(({ view }) => view?.firstByteMs ?? Infinity))

export type Scenario = (world: ScenarioWorld) => Promise<Finding[]>

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
