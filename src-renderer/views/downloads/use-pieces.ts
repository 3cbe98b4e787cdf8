import { useEffect, useState } from 'react'
import type { ContentKey } from '../../../src-main/contract/ids.ts'
import { useApp } from '../../app-context.tsx'
import { ask } from '../../agent/bridge.ts'

const EVERY_MS = 1000

/** The pieces of a running transfer, a letter each, asked for once a second while somebody looks. Null: not told (yet), or it has ended. */
export function usePieces(key: ContentKey | null): string | null {
  const { bridge } = useApp()
  const [pieces, setPieces] = useState<string | null>(null)
  useEffect(() => {
    if (key === null) return setPieces(null)
    let timer: ReturnType<typeof setTimeout> | undefined
    let ended = false
    const look = async () => {
      const told = await ask(bridge, { c: 'transfer.pieces', key }).then(
        (answer) => answer.pieces,
        () => null
      )
      if (ended) return
      setPieces(told)
      timer = setTimeout(() => void look(), EVERY_MS)
    }
    void look()
    return () => {
      ended = true
      clearTimeout(timer)
    }
  }, [bridge, key])
  return pieces
}
