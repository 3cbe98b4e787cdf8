import { formatDuration } from '../../../src-main/contract/durations.ts'
import { formatSize } from '../../../src-main/contract/sizes.ts'
import { useApp, useMirror } from '../../app-context.tsx'
import { Facts, Panel } from '../../parts/panel.tsx'

/** What runs here, and where it keeps its files. */
export function AboutPanel() {
  const { info } = useApp()
  const process = useMirror((s) => s.snapshot?.process ?? null)
  const apiVersion = useMirror((s) => s.snapshot?.apiVersion ?? null)
  if (info === null) return null
  return (
    <Panel title="About">
      <Facts
        facts={[
          ['Larder', info.version],
          ['Local API', apiVersion === null ? null : `version ${apiVersion}`],
          [
            'Runs on',
            Object.entries(info.versions)
              .map(([name, version]) => `${name} ${version}`)
              .join(', ') || null
          ],
          ['Platform', info.platform],
          [
            'Process',
            process === null
              ? null
              : `${process.pid}: ${formatSize(process.rssBytes)} of memory, ${formatDuration(process.cpuSeconds * 1000)} of CPU, reacts within ${Math.ceil(process.eventLoopP99Ms)} ms (p99)`
          ],
          ['Data folder', info.dataDir],
          ['Log folder', info.logDir]
        ]}
      />
    </Panel>
  )
}
