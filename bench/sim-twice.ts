/** Beside what was simulated. */
export interface Twice {
  /** Two runs of one seed left the same trace; null: it was run once. */
  readonly isRepeatable: boolean | null
  /** Of this process for one run. */
  readonly seconds: number
}

/** Runs a simulation twice and compares the traces. */
export async function twice<T extends { readonly trace: string }>(
  run: () => Promise<T>,
  isOnce = false
): Promise<T & Twice> {
  const startedAt = performance.now()
  const first = await run()
  const seconds = (performance.now() - startedAt) / 1000
  return { ...first, seconds, isRepeatable: isOnce ? null : (await run()).trace === first.trace }
}
