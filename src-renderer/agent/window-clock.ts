import { createStore, type StoreApi } from 'zustand/vanilla'

/** Wall clock of the window for relative times, ms; moves once a second. */
export function createWindowClock(now: () => number = () => Date.now()): {
  readonly store: StoreApi<{ now: number }>
  start(): () => void
} {
  const store = createStore<{ now: number }>()(() => ({ now: now() }))
  return {
    store,
    start: () => {
      store.setState({ now: now() })
      const timer = setInterval(() => store.setState({ now: now() }), 1000)
      return () => clearInterval(timer)
    }
  }
}
