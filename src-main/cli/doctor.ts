import { examine } from '../agent/doctor/examine.ts'
import { systemProbes } from '../agent/doctor/probes.ts'
import { connect } from '../client/connection.ts'
import { reportOf, type Check, type DoctorReport } from '../contract/doctor.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { loadSettings } from '../settings/load-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import type { Output } from './output.ts'
import { printable } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'

/** Looks at everything sharing needs and says what to do. @throws CHECKS_FAILED after the report, when a check failed */
export async function runDoctor(options: AgentCommandOptions, output: Output): Promise<void> {
  const report = await examineThisPc(options)
  output.result(report, () => describeReport(report))
  const { fail } = report.counts
  if (fail > 0)
    throw new LarderError('CHECKS_FAILED', fail === 1 ? 'One check failed' : `${fail} checks failed`, { failed: fail })
}

/** The agent's own report; without an agent, what can be found out from here. */
export async function examineThisPc(options: AgentCommandOptions): Promise<DoctorReport> {
  try {
    const agent = await connect(options)
    const report = await agent.doctor()
    return reportOf(report.at, LARDER_VERSION, [
      agentCheck(
        `It runs, version ${report.version}.`,
        report.version === LARDER_VERSION ? 'ok' : 'warn',
        report.version === LARDER_VERSION ? null : 'Restart the agent after an update.'
      ),
      ...report.checks
    ])
  } catch (error) {
    if (!hasCode(error, 'AGENT_NOT_RUNNING', 'AGENT_UNSUPPORTED')) throw error
    const { message, next } = error as LarderError
    const paths = dataPaths(options.dataDir ?? defaultDataDir())
    const checks = await examine(
      {
        paths,
        settings: loadSettings(diskFiles(paths)).settings,
        env: process.env,
        platform: process.platform,
        snapshot: null,
        skews: []
      },
      systemProbes
    )
    return reportOf(Date.now(), LARDER_VERSION, [agentCheck(message, 'fail', next), ...checks])
  }
}

function agentCheck(seen: string, verdict: Check['verdict'], next: string | null): Check {
  return { id: 'agent', title: 'Agent', tried: 'Asked the agent of this user at its local API.', seen, verdict, next }
}

const marks: Record<Check['verdict'], string> = {
  ok: ' ok ',
  note: 'note',
  warn: 'WARN',
  fail: 'FAIL',
  skipped: ' –  '
}

export function describeReport({ checks, counts }: DoctorReport): string {
  const lines = checks.flatMap(({ title, tried, seen, verdict, next }) => {
    const more =
      verdict === 'ok' ? [seen] : [`tried: ${tried}`, `seen:  ${seen}`, ...(next === null ? [] : [`do:    ${next}`])]
    return [
      `[${marks[verdict]}] ${printable(title)}`,
      ...more.flatMap((text) =>
        text
          .split('\n')
          .map((line, index) => `       ${index > 0 && verdict !== 'ok' ? '       ' : ''}${printable(line)}`)
      )
    ]
  })
  return [
    ...lines,
    '',
    `${counts.ok} in order, ${counts.note} to note, ${counts.warn} ${counts.warn === 1 ? 'warning' : 'warnings'}, ${counts.fail} failed, ${counts.skipped} not found out.`
  ].join('\n')
}
