import { useNow } from '../app-context.tsx'
import { exactTime, relativeTime } from '../format/time.ts'

/** `5 min ago`, with the exact time as tooltip. */
export function When({ at, className }: { readonly at: number; readonly className?: string }) {
  const text = useNow((now) => relativeTime(at, now))
  return (
    <time className={className} dateTime={new Date(at).toISOString()} title={exactTime(at)}>
      {text}
    </time>
  )
}
