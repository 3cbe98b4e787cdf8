import { createDarkTheme, createLightTheme, type BrandVariants, type Theme } from '@fluentui/react-components'

const pine: BrandVariants = {
  10: '#021c1a',
  20: '#06302d',
  30: '#083f3b',
  40: '#0a4d48',
  50: '#0b5a54',
  60: '#0c655e',
  70: '#0d6d66',
  80: '#0f766e',
  90: '#16877e',
  100: '#2ba39a',
  110: '#3db8ae',
  120: '#5cc9c0',
  130: '#82d8d1',
  140: '#a8e5e0',
  150: '#cbf1ee',
  160: '#e6f9f7'
}

/** Colours of what Larder shows and Fluent has no name for: where bytes come from and go to. */
export interface LarderTheme extends Theme {
  readonly larderOrigin: string
  readonly larderPeers: string
  readonly larderCache: string
  readonly larderServed: string
  readonly larderTrack: string
  readonly larderCanvas: string
}

/** The names a style sheet uses. */
export const sourceTokens = {
  origin: 'var(--larderOrigin)',
  peers: 'var(--larderPeers)',
  cache: 'var(--larderCache)',
  served: 'var(--larderServed)',
  track: 'var(--larderTrack)',
  canvas: 'var(--larderCanvas)'
} as const

export const lightTheme: LarderTheme = {
  ...textInRem(createLightTheme(pine)),
  colorNeutralForeground3: '#575757',
  colorNeutralForeground4: '#616161',
  larderOrigin: '#b4540a',
  larderPeers: '#0f766e',
  larderCache: '#6b57c8',
  larderServed: '#2464b4',
  larderTrack: '#dfe3e2',
  larderCanvas: '#f5f6f6'
}

export const darkTheme: LarderTheme = {
  ...textInRem(createDarkTheme(pine)),
  colorBrandForeground1: pine[110],
  colorBrandForeground2: pine[120],
  colorBrandForegroundLink: pine[110],
  colorBrandForegroundLinkHover: pine[120],
  colorCompoundBrandForeground1: pine[110],
  colorNeutralForeground3: '#bdbdbd',
  colorNeutralForeground4: '#adadad',
  colorNeutralBackground1: '#212423',
  colorNeutralBackground1Hover: '#2b2f2e',
  colorNeutralBackground1Pressed: '#1b1d1c',
  colorNeutralBackground1Selected: '#2b2f2e',
  // Fluent's is a hair too dark for small text on a panel.
  colorStatusDangerForeground1: '#e37d80',
  larderOrigin: '#f0a04b',
  larderPeers: '#3db8ae',
  larderCache: '#a99cf5',
  larderServed: '#6cb0f5',
  larderTrack: '#3a3f3e',
  larderCanvas: '#161817'
}

/** Fluent gives text in px, which would not follow the text size a person has set; 1 rem is 16 px unless they did. */
function textInRem(theme: Theme): Theme {
  const scaled = Object.entries(theme).map(([name, value]) => {
    const px =
      /^(fontSize|lineHeight)/.test(name) && typeof value === 'string'
        ? /^(\d+(?:\.\d+)?)px$/.exec(value)?.[1]
        : undefined
    return [name, px === undefined ? value : `${Number(px) / 16}rem`] as const
  })
  return Object.fromEntries(scaled) as unknown as Theme
}
