import { makeStyles } from '@fluentui/react-components'
import { useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { newsBetween } from '../agent/selectors/news.ts'

/** News is gathered for this time, ms: a screen reader is not interrupted at each snapshot. */
const GATHER_MS = 1000

const useStyles = makeStyles({
  root: {
    position: 'absolute',
    width: '1px',
    height: '1px',
    overflow: 'hidden',
    clipPath: 'inset(50%)',
    whiteSpace: 'nowrap'
  }
})

/** Says changes of state to those who do not see them. */
export function LiveNews() {
  const styles = useStyles()
  const { mirror } = useApp()
  const [sentences, setSentences] = useState<readonly string[]>([])
  useEffect(() => {
    let told = mirror.store.getState()
    let timer: ReturnType<typeof setTimeout> | null = null
    const tell = () => {
      timer = null
      const now = mirror.store.getState()
      const news = newsBetween(told, now)
      told = now
      if (news.length > 0) setSentences(news)
    }
    const unsubscribe = mirror.store.subscribe((state) => {
      // What was so when the window was opened is not news.
      if (told.snapshot === null) told = state
      else if (timer === null && (state.link !== told.link || state.snapshot !== told.snapshot))
        timer = setTimeout(tell, GATHER_MS)
    })
    return () => {
      unsubscribe()
      if (timer !== null) clearTimeout(timer)
    }
  }, [mirror])
  return (
    <div role="log" aria-label="News" aria-live="polite" aria-relevant="additions text" className={styles.root}>
      {sentences.join(' ')}
    </div>
  )
}
