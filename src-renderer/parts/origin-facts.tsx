import type { ReactNode } from 'react'
import type { ProvenanceView } from '../../src-main/contract/provenance.ts'
import { useSnapshot } from '../app-context.tsx'
import { originsOf } from '../agent/selectors/provenance.ts'
import { When } from './when.tsx'

/**
 * By what a content was verified, what web server named its version, and who signed it first: pairs for `Facts`. Of several ways by which
 * it came each gets its number.
 */
export function useOriginFacts(
  provenances: readonly ProvenanceView[],
  sampledBytes: number | null = null
): (readonly [name: string, value: ReactNode])[] {
  const names = useSnapshot((s) => s.peers)
  const self = useSnapshot((s) => s.agentId)
  const nameOf = (id: string) => (id === self ? 'this PC' : names.find((peer) => peer.id === id)?.name)
  return provenances.flatMap((provenance, i) => {
    const { verified, source, sourceAt, connection, signed } = originsOf(provenance, nameOf, sampledBytes)
    const numbered = (name: string) => (provenances.length > 1 ? `${name} (${i + 1})` : name)
    return [
      [numbered('Verified by'), verified],
      [
        numbered('Web server'),
        source === null ? null : (
          <span key="source">
            {source}
            {sourceAt === null ? null : (
              <>
                , <When at={sourceAt} />
              </>
            )}
          </span>
        )
      ],
      [numbered('Connection'), connection],
      [numbered('First signed by'), signed]
    ] as const
  })
}
