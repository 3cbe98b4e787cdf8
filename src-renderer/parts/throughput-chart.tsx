import { makeStyles, tokens } from '@fluentui/react-components'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
// oxlint-disable-next-line import/no-unassigned-import
import 'uplot/dist/uPlot.min.css'
import { useApp, useMirror } from '../app-context.tsx'
import { POINTS_KEPT, STEP_MS, type ThroughputHistory } from '../agent/throughput.ts'
import { formatSize, formatRate } from '../../src-main/contract/sizes.ts'
import { Swatch, type Source } from './source-split.tsx'

const MIB = 1024 ** 2
/** The scale never shows less than this, bytes per second, so that a trickle does not look like a flood. */
const LEAST_TOP = MIB

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalS, minWidth: 0 },
  legend: {
    display: 'flex',
    flexWrap: 'wrap',
    columnGap: tokens.spacingHorizontalXL,
    rowGap: tokens.spacingVerticalXS,
    margin: 0,
    padding: 0,
    listStyleType: 'none'
  },
  item: {
    display: 'grid',
    gridTemplateColumns: 'auto auto',
    columnGap: tokens.spacingHorizontalS,
    alignItems: 'center'
  },
  name: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2
  },
  rate: {
    gridColumnStart: 2,
    fontSize: tokens.fontSizeBase400,
    lineHeight: tokens.lineHeightBase400,
    fontWeight: tokens.fontWeightSemibold,
    fontVariantNumeric: 'tabular-nums',
    minWidth: '6.5rem'
  },
  frame: { position: 'relative', minWidth: 0 },
  plot: { height: '9.5rem', minWidth: 0, overflow: 'hidden' },
  still: {
    position: 'absolute',
    inset: '0 0 1.5rem 4.25rem',
    display: 'grid',
    placeItems: 'center',
    margin: 0,
    textAlign: 'center',
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200
  },
  stillText: { padding: `0 ${tokens.spacingHorizontalS}`, backgroundColor: tokens.colorNeutralBackground1 }
})

const series: readonly {
  readonly source: Source
  readonly name: string
  readonly of: 'origin' | 'peersIn' | 'peersOut'
  readonly colour: string
  readonly dash: number[]
}[] = [
  { source: 'origin', name: 'From origin', of: 'origin', colour: '--larderOrigin', dash: [] },
  { source: 'peers', name: 'From peers', of: 'peersIn', colour: '--larderPeers', dash: [7, 3] },
  { source: 'served', name: 'Served to peers', of: 'peersOut', colour: '--larderServed', dash: [2, 3] }
]

/** Rates of the last minutes by source. Drawn on a canvas, so that a point more costs no layout. */
export function ThroughputChart() {
  const styles = useStyles()
  const { mirror } = useApp()
  const newest = useMirror((s) => s.throughput?.points.at(-1) ?? null)
  const still = useMirror(
    (s) => s.throughput?.points.every((p) => p.origin < 1 && p.peersIn < 1 && p.peersOut < 1) ?? true
  )
  const plotRef = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const element = plotRef.current
    if (element === null) return
    let plot: uPlot | null = null
    const draw = () => plot?.setData(dataOf(mirror.store.getState().throughput))
    const make = () => {
      plot?.destroy()
      plot = new uPlot(optionsFor(element), dataOf(mirror.store.getState().throughput), element)
    }
    make()
    const resized = new ResizeObserver(() =>
      plot?.setSize({ width: element.clientWidth, height: element.clientHeight })
    )
    resized.observe(element)
    // Colours are read when it is made; another theme puts another class above it.
    const themed = new MutationObserver(make)
    const provider = element.closest('.fui-FluentProvider')
    if (provider) themed.observe(provider, { attributes: true, attributeFilter: ['class'] })
    const unsubscribe = mirror.store.subscribe((state, last) => {
      if (state.throughput !== last.throughput) draw()
    })
    return () => {
      unsubscribe()
      resized.disconnect()
      themed.disconnect()
      plot?.destroy()
    }
  }, [mirror])

  const rates = series.map(
    ({ name, of }) => `${name} ${newest === null || newest[of] < 1 ? 'nothing' : formatRate(newest[of])}`
  )
  return (
    <div className={styles.root}>
      <ul className={styles.legend}>
        {series.map(({ source, name, of }) => (
          <li key={source} className={styles.item}>
            <Swatch source={source} />
            <span className={styles.name}>{name}</span>
            <span className={styles.rate}>{formatRate(newest?.[of] ?? 0)}</span>
          </li>
        ))}
      </ul>
      <div className={styles.frame}>
        <div
          ref={plotRef}
          className={styles.plot}
          role="img"
          aria-label={`Throughput of the last ${(POINTS_KEPT * STEP_MS) / 60_000} minutes. Now: ${rates.join('; ')}.`}
        />
        {still ? (
          <p className={styles.still}>
            <span className={styles.stillText}>Nothing has moved in the last 5 minutes.</span>
          </p>
        ) : null}
      </div>
    </div>
  )
}

function dataOf(history: ThroughputHistory | null): uPlot.AlignedData {
  const points = history?.points ?? []
  return [points.map((p) => p.at / 1000), ...series.map(({ of }) => points.map((p) => p[of]))] as uPlot.AlignedData
}

const systemColours: Partial<Record<string, string>> = {
  '--larderOrigin': 'CanvasText',
  '--larderPeers': 'Highlight',
  '--larderServed': 'LinkText',
  '--colorNeutralForeground3': 'CanvasText'
}

function optionsFor(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  // In high contrast the lines have the colours the swatches beside them get.
  const forced = matchMedia('(forced-colors: active)').matches
  const colour = (name: string) =>
    (forced ? systemColours[name] : undefined) ?? (style.getPropertyValue(name).trim() || '#888')
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
  const text = colour('--colorNeutralForeground3')
  const grid = { stroke: colour('--colorNeutralStroke3'), width: 1 }
  const font = `${Math.round(rem * 0.7)}px ${style.fontFamily}`
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    cursor: { show: false },
    legend: { show: false },
    padding: [8, rem * 1.2, 0, 0],
    scales: {
      x: {
        time: true,
        range: (_, __, max) => [(max ?? Date.now() / 1000) - (POINTS_KEPT * STEP_MS) / 1000, max ?? Date.now() / 1000]
      },
      y: { range: (_, __, max) => [0, Math.max(LEAST_TOP, (max ?? 0) * 1.15)] }
    },
    axes: [
      {
        stroke: text,
        grid: { show: false },
        ticks: { show: false },
        font,
        size: rem * 1.5,
        space: 70,
        values: (plot, splits) => splits.map((at) => ago((plot.scales.x?.max ?? at) - at)),
        splits: (_, __, min, max) => [0, 60, 120, 180, 240].map((back) => max - back).filter((at) => at >= min)
      },
      {
        stroke: text,
        grid,
        ticks: { show: false },
        font,
        size: rem * 4.4,
        space: 34,
        splits: (_, __, ___, max) => niceSplits(max),
        values: (_, splits) => splits.map((v) => (v === 0 ? '0' : `${formatSize(v)}/s`))
      }
    ],
    series: [
      {},
      ...series.map(({ name, colour: variable, dash }) => ({
        label: name,
        stroke: colour(variable),
        width: 2,
        dash,
        fill: dash.length === 0 && !forced ? `color-mix(in srgb, ${colour(variable)} 14%, transparent)` : undefined,
        points: { show: false }
      }))
    ]
  }
}

const ago = (seconds: number): string => (seconds < 1 ? 'now' : `−${Math.round(seconds / 60)} min`)

/** Three to five lines at round binary sizes: a quarter, a half, 1, 2, 5, 10, … of a unit. */
function niceSplits(max: number): number[] {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, max)) / 10))
  const step = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * unit).find((s) => max / s <= 4) ?? max / 2
  const lines: number[] = []
  for (let at = 0; at <= max; at += step) lines.push(at)
  return lines
}
