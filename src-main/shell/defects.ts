/** What an error that nobody caught is told by. */
export interface DefectVoices {
  /** To whoever started the program; may have nobody at the other end any more. */
  say(text: string): void
  /** Kept for whoever looks at it later. */
  keep(text: string): void
  /** Shown to the person without waiting for an answer: nothing may stand still until somebody clicks. */
  show(message: string): void
}

/** The application goes on; each error is kept, and the person is told of the first. Never throws. */
export function createDefectTeller({ say, keep, show }: DefectVoices): (error: Error) => void {
  let told = false
  const quietly = (step: () => void): void => {
    try {
      step()
    } catch {
      // One voice that fails must not become an error of its own.
    }
  }
  return (error) => {
    const text = error.stack ?? `${error.name}: ${error.message}`
    quietly(() => keep(text))
    quietly(() => say(text))
    if (told) return
    told = true
    quietly(() => show(error.message))
  }
}
