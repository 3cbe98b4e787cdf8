/** Works until the command is told to end by Ctrl+C or SIGTERM, which is not an error. */
export async function untilEnded(work: (ended: AbortSignal) => Promise<void>): Promise<void> {
  const ended = new AbortController()
  const end = () => ended.abort()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, end)
  try {
    await work(ended.signal)
  } catch (error) {
    if (!ended.signal.aborted) throw error
  } finally {
    for (const signal of signals) process.off(signal, end)
  }
}
