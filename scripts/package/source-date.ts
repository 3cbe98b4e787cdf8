import { execFileSync } from 'node:child_process'
import { root } from '../steps.ts'

/** Of the last commit, so that the same sources give the same package; now, where there is no repository. */
export function sourceDateMs(): number {
  const given = process.env['SOURCE_DATE_EPOCH']
  if (given !== undefined) return Number(given) * 1000
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' })) * 1000
  } catch {
    return Date.now()
  }
}
