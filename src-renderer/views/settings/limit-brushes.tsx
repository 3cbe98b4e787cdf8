import { Button, Field, Input, makeStyles, Radio, RadioGroup, Text, tokens } from '@fluentui/react-components'
import { Add16Regular } from '@fluentui/react-icons/svg/add'
import { useId, useState } from 'react'
import { rateKinds, type RateKind } from '../../../src-main/contract/settings.ts'
import { USUAL, type HourLimits, type WeekGrid } from '../../agent/selectors/schedule.ts'
import { kindNames, limitsInWords } from '../../agent/selectors/schedule-words.ts'
import { editText, parseSetting, settingFields } from '../../agent/selectors/setting-fields.ts'
import { limitColour } from './limit-colours.ts'

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalS },
  brushes: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', columnGap: tokens.spacingHorizontalM },
  title: { fontWeight: tokens.fontWeightSemibold },
  group: { display: 'flex', flexWrap: 'wrap', marginLeft: '-8px' },
  brush: { display: 'inline-flex', alignItems: 'flex-start', columnGap: tokens.spacingHorizontalS },
  swatch: {
    display: 'inline-grid',
    placeItems: 'center',
    flexShrink: 0,
    width: '1.25rem',
    height: '1.25rem',
    borderRadius: tokens.borderRadiusSmall,
    color: tokens.colorNeutralBackground1,
    fontSize: tokens.fontSizeBase100,
    fontWeight: tokens.fontWeightSemibold,
    '@media (forced-colors: active)': {
      border: '1px solid CanvasText',
      ':not(:empty)': {
        forcedColorAdjust: 'none',
        backgroundColor: 'Highlight !important',
        color: 'HighlightText'
      }
    }
  },
  usual: { boxShadow: `inset 0 0 0 1px ${tokens.colorNeutralStroke1}` },
  fields: {
    display: 'grid',
    alignItems: 'end',
    gridTemplateColumns: 'repeat(auto-fill, minmax(min(10.5rem, 100%), 1fr))',
    gap: tokens.spacingVerticalS,
    columnGap: tokens.spacingHorizontalL
  }
})

interface LimitBrushesProps {
  readonly grid: WeekGrid
  readonly brush: number
  onBrush(brush: number): void
  onChange(grid: WeekGrid): void
}

/** What hours can be painted with: the usual limits, or other ones, which are edited here. */
export function LimitBrushes({ grid, brush, onBrush, onChange }: LimitBrushesProps) {
  const styles = useStyles()
  const titleId = useId()
  const chosen = grid.limits[brush]
  const setLimits = (limits: HourLimits) =>
    onChange({ ...grid, limits: grid.limits.map((one, at) => (at === brush ? limits : one)) })
  return (
    <div className={styles.root}>
      <div className={styles.brushes}>
        <Text id={titleId} className={styles.title}>
          Paint with
        </Text>
        <RadioGroup
          layout="horizontal"
          aria-labelledby={titleId}
          className={styles.group}
          value={String(brush)}
          onChange={(_, { value }) => onBrush(Number(value))}
        >
          {grid.limits.map((limits, at) => (
            <Radio
              // Its number is what it is known by.
              // oxlint-disable-next-line react/no-array-index-key
              key={at}
              value={String(at)}
              label={
                <span className={styles.brush}>
                  <span aria-hidden className={styles.swatch} style={{ backgroundColor: limitColour(at) }}>
                    {at + 1}
                  </span>
                  {limitsInWords(limits)}
                </span>
              }
            />
          ))}
          <Radio
            value={String(USUAL)}
            label={
              <span className={styles.brush}>
                <span aria-hidden className={`${styles.swatch} ${styles.usual}`} />
                Usual limits
              </span>
            }
          />
        </RadioGroup>
        <Button
          size="small"
          icon={<Add16Regular />}
          onClick={() => {
            onChange({ ...grid, limits: [...grid.limits, { wanForeground: 2 ** 20, wanBackground: 2 ** 20 }] })
            onBrush(grid.limits.length)
          }}
        >
          Add a limit
        </Button>
      </div>
      {chosen === undefined ? null : (
        <div className={styles.fields} role="group" aria-label={`Limit ${brush + 1}`}>
          {rateKinds.map((kind) => (
            <LimitField
              key={`${brush} ${kind}`}
              kind={kind}
              limits={chosen}
              onChange={(rate) => setLimits({ ...chosen, [kind]: rate })}
            />
          ))}
        </div>
      )}
    </div>
  )
}

/** One limit of a brush. Empty: as usual; `none`: no limit. */
function LimitField({
  kind,
  limits,
  onChange
}: {
  readonly kind: RateKind
  readonly limits: HourLimits
  onChange(rate: number | null | undefined): void
}) {
  const [typed, setTyped] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const field = settingFields().get(`rates.${kind}`)!
  const rate = limits[kind]
  const shown = rate === undefined ? '' : rate === null ? 'none' : editText(rate, field)
  const take = () => {
    if (typed === null) return
    const read = typed.trim() === '' ? { value: undefined } : parseSetting(field, typed)
    setProblem('problem' in read ? read.problem : null)
    if ('problem' in read) return
    setTyped(null)
    if (read.value !== rate) onChange(read.value as number | null | undefined)
  }
  return (
    <Field
      label={kindNames[kind]}
      size="small"
      validationState={problem === null ? 'none' : 'error'}
      validationMessage={problem ?? undefined}
    >
      <Input
        size="small"
        value={typed ?? shown}
        placeholder="As usual"
        spellCheck={false}
        autoComplete="off"
        onChange={(_, { value }) => setTyped(value)}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key === 'Enter') take()
          if (event.key !== 'Escape' || typed === null) return
          event.stopPropagation()
          setTyped(null)
          setProblem(null)
        }}
      />
    </Field>
  )
}
