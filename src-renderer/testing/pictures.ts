// Why it is like this: docs/decisions/0012-looked-at-by-a-program.md
import type { Page } from '@playwright/test'

const views = ['overview', 'downloads', 'site', 'cache', 'events', 'settings'] as const
const small = { width: 900, height: 600 } as const
const wide = { width: 1280, height: 800 } as const

export interface Picture {
  /** `view-state-theme`; of what is only checked also the size. */
  readonly name: string
  readonly query: Record<string, string>
  readonly width: number
  readonly height: number
  readonly theme: 'light' | 'dark' | 'contrast'
  /** Text size of the person, in percent. */
  readonly textPercent?: number
  readonly axe?: boolean
  /** Kept in the repository. */
  readonly kept?: boolean
  act?(page: Page): Promise<void>
}

type Scene = Omit<Picture, 'name' | 'theme' | 'query'> & {
  readonly fixture?: string
  readonly view?: string
  readonly live?: boolean
}

/** A scene in light and dark, checked, and kept unless it looks much like another. */
function both(
  name: string,
  { fixture = 'everyday', view = name.split('-', 1)[0]!, live = false, kept = true, ...scene }: Scene
): Picture[] {
  return (['light', 'dark'] as const).map((theme) => ({
    ...scene,
    name: `${name}-${theme}`,
    theme,
    query: { fixture, view, ...(live ? { live: '1' } : {}) },
    kept,
    axe: true
  }))
}

/** Every view and state of the window. */
export function pictures(): Picture[] {
  return [
    ...views.flatMap((view) => [
      ...both(`${view}-everyday`, wide),
      ...(view === 'settings' ? [] : both(`${view}-empty`, { ...small, fixture: 'empty' }))
    ]),
    ...both('site-subnets', { ...wide, fixture: 'subnets' }),
    ...ofSettings(),
    ...states(),
    ...opened(),
    ...dialogs(),
    ...views.flatMap(checked)
  ]
}

function states(): Picture[] {
  const ofOverview = ['loading', 'failed', 'disconnected', 'paused', 'off', 'nofleet', 'one'].flatMap((fixture) =>
    both(`overview-${fixture}`, { ...small, fixture, kept: fixture !== 'one' })
  )
  return [
    ...ofOverview,
    ...both('overview-stale', {
      ...small,
      fixture: 'stale',
      kept: false,
      act: (page) => page.getByText('This may be out of date.').waitFor({ timeout: 12_000 })
    }),
    ...both('overview-signedout', { ...small, fixture: 'signedout' }),
    ...both('overview-otherversion', { ...small, fixture: 'otherversion', kept: false }),
    ...both('overview-busy', { ...small, fixture: 'busy', live: true }),
    ...both('downloads-busy', { ...small, fixture: 'busy', live: true }),
    ...both('overview-queue', { ...small, fixture: 'queue' }),
    ...both('downloads-queue', { ...small, fixture: 'queue' }),
    ...both('downloads-waiting', {
      ...small,
      fixture: 'queue',
      act: (page) => page.getByRole('tab', { name: /Waiting/ }).click()
    }),
    ...both('downloads-done', {
      ...small,
      kept: false,
      act: (page) => page.getByRole('tab', { name: /Done/ }).click()
    }),
    ...both('downloads-failed', { ...small, fixture: 'trouble' }),
    ...both('downloads-cancelled', {
      ...small,
      kept: false,
      act: (page) => page.getByRole('tab', { name: /Cancelled/ }).click()
    }),
    ...both('site-stopped', { ...small, fixture: 'stopped' }),
    ...both('cache-busy', { ...small, fixture: 'busy', kept: false }),
    ...both('cache-full', { ...small, fixture: 'trouble' }),
    ...both('cache-moving', { ...small, fixture: 'moving' }),
    ...both('overview-precaching', {
      ...small,
      fixture: 'precaching',
      act: (page) => page.getByRole('heading', { name: 'Pre-caching' }).scrollIntoViewIfNeeded()
    }),
    ...both('cache-verifying', { ...small, fixture: 'verifying', kept: false })
  ]
}

const unfold = (page: Page, section: string): Promise<void> => page.getByRole('button', { name: section }).click()
const showSchedule = (page: Page): Promise<void> =>
  page.getByText('Schedule', { exact: true }).evaluate((element) => element.scrollIntoView({ block: 'start' }))

function ofSettings(): Picture[] {
  const narrow = { width: 400, height: 800 } as const
  return [
    ...both('settings-managed', {
      ...small,
      fixture: 'managed',
      act: async (page) => (
        await unfold(page, 'Fleet'),
        await page.getByText('Site key', { exact: true }).scrollIntoViewIfNeeded()
      )
    }),
    ...both('settings-schedule', { ...wide, act: showSchedule }),
    ...(['light', 'dark', 'contrast'] as const).map((theme): Picture => ({
      name: `settings-records-${theme}`,
      query: { fixture: 'one', view: 'settings' },
      theme,
      ...(theme === 'light' ? small : { width: 400, height: 800 }),
      axe: true,
      async act(page) {
        await page.getByRole('searchbox', { name: 'Search settings' }).fill('hub.sites')
        const group = page.getByRole('group', { name: 'Sites and their subnets' })
        await group.getByRole('button', { name: 'Add an entry' }).click()
        await page.keyboard.type('Bremen')
        await page.keyboard.press('Tab')
        await page.keyboard.type('10.1.0.0/16, 10.2.0.0/99')
        await page.keyboard.press('Enter')
        await group.getByText(/expected a subnet/i).waitFor()
      }
    })),
    {
      name: 'settings-schedule-contrast',
      query: { fixture: 'everyday', view: 'settings' },
      theme: 'contrast',
      ...wide,
      act: showSchedule
    },
    ...both('settings-painting', {
      ...wide,
      kept: false,
      fixture: 'one',
      act: async (page) => {
        await showSchedule(page)
        await page.getByRole('gridcell', { name: 'Monday, 08:00' }).focus()
        await page.keyboard.press('Space')
        for (let i = 0; i < 9; i++) await page.keyboard.press('Shift+ArrowRight')
        for (let i = 0; i < 4; i++) await page.keyboard.press('Shift+ArrowDown')
      }
    }),
    ...both('settings-list', {
      ...small,
      act: async (page) => {
        await unfold(page, 'Finding peers')
        const add = page.getByRole('textbox', { name: 'Add to Inhibited subnets' })
        await add.fill('10.20.0.0/99')
        await add.press('Enter')
        await page.getByRole('button', { name: 'Discard' }).scrollIntoViewIfNeeded()
      }
    }),
    ...both('settings-search', {
      ...small,
      act: (page) => page.getByRole('searchbox', { name: 'Search settings' }).fill('disk')
    }),
    ...both('settings-narrow', { ...narrow }),
    ...both('settings-narrow-schedule', { ...narrow, act: showSchedule })
  ]
}

const openFirstRow = (page: Page): Promise<void> =>
  page
    .locator('[role=row][data-row="0"]')
    .first()
    .click({ position: { x: 120, y: 12 } })

function opened(): Picture[] {
  return [
    ...both('downloads-opened', {
      ...wide,
      act: async (page) => (await openFirstRow(page), await page.getByText(/pieces verified/).waitFor())
    }),
    ...both('site-opened', {
      ...wide,
      act: async (page) => (
        await page.getByRole('button', { name: /OfficeSetup/ }).click(),
        await page.getByRole('table', { name: /Candidates/ }).scrollIntoViewIfNeeded()
      )
    }),
    ...both('cache-opened', { ...wide, act: openFirstRow }),
    ...both('downloads-verified', {
      ...wide,
      kept: false,
      act: async (page) => (
        await page.getByRole('tab', { name: /Done/ }).click(),
        await openFirstRow(page),
        await page.getByText('First signed by').waitFor()
      )
    }),
    ...both('events-opened', { ...small, act: openFirstRow })
  ]
}

function dialogs(): Picture[] {
  return [
    ...both('cache-clear', {
      ...small,
      act: async (page) => (
        await page.getByRole('button', { name: 'Clear…' }).click(),
        await page.getByText(/will be removed/).waitFor()
      )
    }),
    ...both('cache-move', {
      ...small,
      act: async (page) => (
        await page.getByRole('button', { name: 'Move…' }).click(),
        await page.getByLabel('New folder').fill('larder'),
        await page.getByRole('button', { name: 'Move', exact: true }).click(),
        await page.getByText(/not an absolute path/).waitFor()
      )
    }),
    ...both('overview-failures', {
      ...small,
      kept: false,
      act: async (page) => (
        await page.getByRole('button', { name: '2 failures' }).click(),
        await page.getByRole('dialog').waitFor()
      )
    }),
    ...both('downloads-add', {
      ...small,
      act: async (page) => {
        await page.getByRole('button', { name: 'Add a download' }).click()
        await page.getByLabel('Address').fill('ftp://files.example/x')
        await page.getByRole('button', { name: 'Download', exact: true }).click()
        await page.getByText(/cannot be downloaded/).waitFor()
      }
    }),
    ...both('downloads-clear', {
      ...small,
      kept: false,
      act: async (page) => (
        await page.getByRole('button', { name: 'Clear list' }).click(),
        await page.getByRole('alertdialog').waitFor()
      )
    }),
    ...both('overview-turnoff', {
      ...small,
      act: async (page) => (await page.getByRole('switch').click(), await page.getByRole('alertdialog').waitFor())
    }),
    ...both('downloads-notice', {
      ...small,
      kept: false,
      act: async (page) => (
        await page
          .getByRole('button', { name: /^Pause: / })
          .first()
          .click(),
        await page.getByText('is paused').first().waitFor()
      )
    })
  ]
}

/** What nobody needs to look at twice, but must be right. */
function checked(view: (typeof views)[number]): Picture[] {
  const query = { fixture: 'everyday', view }
  return [
    { name: `${view}-900-light`, query, theme: 'light', ...small },
    { name: `${view}-900-text125-dark`, query, theme: 'dark', ...small, textPercent: 125 },
    { name: `${view}-900-zoom125-light`, query, theme: 'light', width: 720, height: 480 },
    { name: `${view}-400-light`, query, theme: 'light', width: 400, height: 800 },
    { name: `${view}-zoom200-dark`, query, theme: 'dark', width: 640, height: 400 },
    { name: `${view}-1920-dark`, query, theme: 'dark', width: 1920, height: 1080 },
    { name: `${view}-everyday-contrast`, query, theme: 'contrast', ...wide, kept: view === 'overview' }
  ]
}
