import { statSync } from 'node:fs'

/** A look at the files this often, ms. Looking works where notices of the system do not: on network drives and for files yet to come. */
const LOOK_EVERY_MS = 2000

/**
 * Calls back when one of the files has changed, appeared or gone. Looks on the calling thread: three short calls wake nobody else, while
 * `watchFile` has a thread of the pool woken for each.
 * @param places which files there are to look at, now @returns how to end it
 */
export function lookAtFiles(places: () => readonly string[], onChange: () => void): () => void {
  const look = () =>
    places()
      .map((place) => `${place} ${stampOf(place)}`)
      .join('\n')
  let last = look()
  const timer = setInterval(() => {
    const now = look()
    if (now === last) return
    last = now
    onChange()
  }, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}

function stampOf(place: string): string {
  try {
    const stats = statSync(place, { throwIfNoEntry: false })
    return stats ? `${stats.mtimeMs} ${stats.size} ${stats.ino}` : 'nothing'
  } catch {
    return 'hidden'
  }
}
