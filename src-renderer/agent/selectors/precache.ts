import type { PrecacheReport, PrecacheView } from '../../../src-main/contract/precache.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { fileNameOf } from '../../format/url.ts'

/** False where pre-caching is nothing this PC has to do with. */
export function isShown({ state, last }: Pick<PrecacheView, 'state' | 'last'>): boolean {
  return state !== 'off' || last !== null
}

export function precacheState({ state, last }: Pick<PrecacheView, 'state' | 'last'>): {
  readonly tone: 'busy' | 'warning' | 'quiet'
  readonly label: string
} {
  if (state === 'running') return { tone: 'busy', label: 'Running' }
  if (last?.end === 'list-unreadable') return { tone: 'warning', label: 'List unreadable' }
  return { tone: 'quiet', label: state === 'off' ? 'Off' : 'Waiting' }
}

export function runningSentence({ done, total, bytes, failed }: NonNullable<PrecacheView['running']>): string {
  return `${done.toLocaleString('en')} of ${countOf(total, 'content')} ready, ${formatSize(bytes)} new${failed > 0 ? `, ${failed.toLocaleString('en')} failed` : ''}.`
}

const ends: Record<PrecacheReport['end'], string> = {
  complete: '',
  incomplete: '',
  'window-closed': ' It stopped early because its hours were over.',
  'on-battery': ' It stopped early because this PC switched to battery.',
  stopped: ' It was stopped.',
  'list-unreadable': ''
}

/** How a run went, without what failed. */
export function reportSentence({ done, total, present, bytes, end, failed }: PrecacheReport): string {
  if (end === 'list-unreadable') return failed[0]?.message ?? 'The list could not be read.'
  const before = present > 0 ? ` ${present.toLocaleString('en')} ${present === 1 ? 'was' : 'were'} there before,` : ''
  return `${done.toLocaleString('en')} of ${countOf(total, 'content')} ready,${before} ${formatSize(bytes)} new.${ends[end]}`
}

/** The last part of a list's path or URL. */
export function listName(list: string): string {
  return /^https?:/i.test(list) ? fileNameOf(list) : (list.split(/[\\/]/).findLast((part) => part !== '') ?? list)
}
