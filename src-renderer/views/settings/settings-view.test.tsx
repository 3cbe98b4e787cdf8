import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { fixtures } from '../../testing/fixtures.ts'
import { renderApp } from '../../testing/render-app.tsx'

/** Opens a section of all settings. */
const unfold = async (title: string) =>
  fireEvent.click(await screen.findByRole('button', { name: new RegExp(`^${title}`) }))
const search = async (words: string) =>
  fireEvent.change(await screen.findByRole('searchbox', { name: 'Search settings' }), { target: { value: words } })

describe('the page', () => {
  test('begins with ten settings in plain words; the rest is folded by section', async () => {
    renderApp(fixtures.one(), 'settings')
    const common = await screen.findByRole('region', { name: 'Common settings' })
    for (const name of ['Cache size', 'Download limit', 'Site name', 'Proxy'])
      expect(within(common).getByRole('textbox', { name })).toBeTruthy()
    expect(within(common).getByRole('switch', { name: /Notifications/ })).toBeTruthy()
    expect(within(common).getByRole('grid', { name: 'Schedule' })).toBeTruthy()
    expect(screen.queryByRole('textbox', { name: 'Upload slots' })).toBeNull()
    await unfold('Transfers')
    expect(screen.getByRole('textbox', { name: 'Upload slots' })).toBeTruthy()
  })

  test('finds by meaning, and says when nothing is found', async () => {
    renderApp(fixtures.one(), 'settings')
    await search('bandwidth')
    expect(await screen.findByRole('textbox', { name: 'Upload limit' })).toBeTruthy()
    expect(screen.queryByRole('textbox', { name: 'Proxy' })).toBeNull()
    await search('zebra')
    expect(await screen.findByText('No setting matches')).toBeTruthy()
  })
})

describe('a setting', () => {
  test('that the administrator manages is locked, and says so', async () => {
    renderApp(fixtures.managed(), 'settings')
    await unfold('Programs on this PC')
    const wait = screen.getByRole<HTMLInputElement>('textbox', { name: 'Longest random wait' })
    expect(wait.readOnly).toBe(true)
    expect(wait.value).toBe('15 min')
    await unfold('Log')
    expect(screen.getByRole<HTMLSelectElement>('combobox', { name: 'Log level' }).disabled).toBe(true)
    expect(screen.getByText('Managed by your administrator’s policy file; it cannot be changed here.')).toBeTruthy()
    expect(screen.getByText('Set on the command line for this run; it cannot be changed here.')).toBeTruthy()
  })

  test('that is secret is never shown', async () => {
    renderApp(fixtures.managed(), 'settings')
    await unfold('Fleet')
    const key = screen.getByLabelText<HTMLInputElement>('Site key')
    expect(key.value).toBe('')
    expect(key.placeholder).toBe('Set; not shown')
    expect(key.type).toBe('password')
  })

  test('that is secret is not taken away by typing and taking that back', async () => {
    const { bridge } = renderApp(fixtures.managed(), 'settings')
    await unfold('Fleet')
    const key = screen.getByLabelText<HTMLInputElement>('Second site key')
    fireEvent.change(key, { target: { value: 'x' } })
    fireEvent.change(key, { target: { value: '' } })
    fireEvent.keyDown(key, { key: 'Enter' })
    await screen.findByRole('textbox', { name: 'Cache size' })
    expect(bridge.commands.filter((c) => c.c === 'settings.set')).toEqual([])
  })

  test('refuses a wrong value where it is typed, and saves a right one with Enter', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    await unfold('Transfers')
    const slots = screen.getByRole('textbox', { name: 'Upload slots' })
    fireEvent.change(slots, { target: { value: '900' } })
    fireEvent.keyDown(slots, { key: 'Enter' })
    expect(await screen.findByText('Expected a whole number from 1 to 64.')).toBeTruthy()
    expect(bridge.commands.some((c) => c.c === 'settings.set')).toBe(false)
    fireEvent.change(slots, { target: { value: '12' } })
    fireEvent.keyDown(slots, { key: 'Enter' })
    expect(await screen.findByText('From the next start on')).toBeTruthy()
    expect(bridge.commands).toContainEqual({ c: 'settings.set', name: 'transfers.uploadSlots', value: 12 })
  })

  test.each([
    ['Cache size', '1.5 TiB', 'cache.maxBytes', 1.5 * 1024 ** 4],
    ['Cache size', 'none', 'cache.maxBytes', null],
    ['Upload limit', '50 Mbit/s', 'rates.upload', 6_250_000]
  ])('%s takes %s', async (name, text, setting, value) => {
    const { bridge } = renderApp(fixtures.managed(), 'settings')
    const field = await screen.findByRole<HTMLInputElement>('textbox', { name })
    fireEvent.change(field, { target: { value: text } })
    fireEvent.keyDown(field, { key: 'Enter' })
    await waitFor(() => expect(bridge.commands).toContainEqual({ c: 'settings.set', name: setting, value }))
  })

  test('says that the agent has to start again, and lets it', async () => {
    const { bridge } = renderApp(fixtures.managed(), 'settings')
    fireEvent.click(await screen.findByRole('button', { name: 'Restart the agent now' }))
    await waitFor(() => expect(bridge.commands).toContainEqual({ c: 'agent.restart' }))
  })

  test('takes an edit back with Esc, and is reset to what it was before this PC set it', async () => {
    const { bridge } = renderApp(fixtures.managed(), 'settings')
    const size = await screen.findByRole<HTMLInputElement>('textbox', { name: 'Cache size' })
    fireEvent.change(size, { target: { value: '12 GiB' } })
    expect(screen.getByRole('button', { name: 'Save' })).toBeTruthy()
    fireEvent.keyDown(size, { key: 'Escape' })
    expect(size.value).toBe('40 GiB')
    expect(screen.queryByRole('button', { name: 'Save' })).toBeNull()
    fireEvent.click(screen.getByRole('button', { name: 'Reset Cache size' }))
    await waitFor(() => expect(size.value).toBe(''))
    expect(bridge.commands).toContainEqual({ c: 'settings.unset', name: 'cache.maxBytes' })
  })
})

describe('a list', () => {
  test('has a row for each entry; they are added, removed and saved together', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    await unfold('Gateway')
    const add = screen.getByRole('textbox', { name: 'Add to Allowed hosts' })
    fireEvent.change(add, { target: { value: 'a b' } })
    fireEvent.keyDown(add, { key: 'Enter' })
    expect(await screen.findByText('“a b”: expected host, host:port, *.domain or *.')).toBeTruthy()
    fireEvent.change(add, { target: { value: 'pypi.org, *.debian.org' } })
    fireEvent.keyDown(add, { key: 'Enter' })
    const list = screen.getByRole('list', { name: 'Allowed hosts' })
    expect(within(list).getAllByRole('listitem')).toHaveLength(2)
    fireEvent.click(within(list).getByRole('button', { name: 'Remove pypi.org' }))
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Remove *.debian.org')
    fireEvent.change(add, { target: { value: 'files.example' } })
    fireEvent.click(screen.getByRole('button', { name: 'Save' }))
    await waitFor(() =>
      expect(bridge.commands).toContainEqual({
        c: 'settings.set',
        name: 'gateway.hosts',
        value: ['*.debian.org', 'files.example']
      })
    )
  })

  test('takes entries with commas, and pasted lines', async () => {
    renderApp(fixtures.one(), 'settings')
    await unfold('Sharing \\d')
    const add = screen.getByRole('textbox', { name: 'Add to Recalls' })
    const rows = () =>
      within(screen.getByRole('list', { name: 'Recalls' }))
        .getAllByRole('listitem')
        .map((row) => row.textContent)
    const recalls = ['a', 'b', 'c'].map((digit) => `sha256:${digit.repeat(64)} old, and broken`)
    fireEvent.change(add, { target: { value: recalls[0] } })
    fireEvent.keyDown(add, { key: 'Enter' })
    expect(rows()).toEqual(recalls.slice(0, 1))
    fireEvent.paste(add, { clipboardData: { getData: () => recalls.join('\r\n') } })
    expect(rows()).toEqual(recalls)
  })

  test('of days is picked, also several before the first is saved', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    await unfold('Pre-caching')
    for (const day of ['Sun', 'Mon']) fireEvent.click(screen.getByRole('checkbox', { name: day }))
    const last = { c: 'settings.set', name: 'precache.days', value: ['tue', 'wed', 'thu', 'fri', 'sat'] }
    await waitFor(() => expect(bridge.commands).toContainEqual(last))
    expect(screen.getByRole<HTMLInputElement>('checkbox', { name: 'Mon' }).checked).toBe(false)
  })

  test('of days is picked', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    await unfold('Pre-caching')
    fireEvent.click(screen.getByRole('checkbox', { name: 'Sun' }))
    await waitFor(() =>
      expect(bridge.commands).toContainEqual({
        c: 'settings.set',
        name: 'precache.days',
        value: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat']
      })
    )
  })
})

describe('the schedule', () => {
  const hour = (name: RegExp) => screen.getByRole('gridcell', { name })
  const saved = (bridge: { commands: readonly { c: string; value?: unknown }[] }) =>
    bridge.commands.find((c) => c.c === 'settings.set')?.value

  test('is painted with the keyboard, and told in words', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    const grid = await screen.findByRole('grid', { name: 'Schedule' })
    expect(screen.getByText('No hours are marked: the usual limits apply all week.')).toBeTruthy()
    const press = (key: string, more = {}) => fireEvent.keyDown(document.activeElement!, { key, ...more })
    hour(/^Monday, 00:00/).focus()
    press('ArrowRight')
    press(' ')
    press('ArrowRight', { shiftKey: true })
    press('ArrowDown', { shiftKey: true })
    expect(within(grid).getAllByRole('gridcell', { selected: true })).toHaveLength(4)
    expect(document.activeElement?.getAttribute('aria-label')).toBe(
      'Tuesday, 02:00 to 03:00: Background downloads 1 MiB/s'
    )
    expect(screen.getByText('Monday and Tuesday, 01:00 to 03:00')).toBeTruthy()
    press('End')
    press(' ')
    fireEvent.click(screen.getByRole('button', { name: 'Save' }))
    await waitFor(() =>
      expect(saved(bridge)).toEqual([
        { days: ['mon', 'tue'], from: 1, to: 3, wanBackground: 2 ** 20 },
        { days: ['tue'], from: 23, to: 24, wanBackground: 2 ** 20 }
      ])
    )
  })

  test('forgets a stroke that was taken back', async () => {
    renderApp(fixtures.one(), 'settings')
    const grid = await screen.findByRole('grid', { name: 'Schedule' })
    const press = (key: string, more = {}) => fireEvent.keyDown(document.activeElement!, { key, ...more })
    const count = () => within(grid).queryAllByRole('gridcell', { selected: true }).length
    hour(/^Monday, 00:00/).focus()
    press(' ')
    press('End')
    press(' ')
    press('Escape')
    expect(count()).toBe(0)
    press('ArrowLeft', { shiftKey: true })
    expect(count()).toBe(2)
  })

  test('paints with the limit as it is edited between two strokes', async () => {
    renderApp(fixtures.one(), 'settings')
    await screen.findByRole('grid', { name: 'Schedule' })
    const press = (key: string, more = {}) => fireEvent.keyDown(document.activeElement!, { key, ...more })
    hour(/^Monday, 00:00/).focus()
    press(' ')
    const downloads = screen.getByRole('textbox', { name: 'Background downloads' })
    downloads.focus()
    fireEvent.change(downloads, { target: { value: '3 MiB/s' } })
    fireEvent.blur(downloads)
    hour(/^Monday, 00:00/).focus()
    press('ArrowRight', { shiftKey: true })
    expect(hour(/^Monday, 01:00/).getAttribute('aria-label')).toContain('3 MiB/s')
  })

  test('paints on with the same limit after a save that changed its number', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    fireEvent.click(await screen.findByRole('button', { name: 'Add a limit' }))
    fireEvent.pointerDown(hour(/^Monday, 08:00/), { button: 0 })
    fireEvent.pointerUp(hour(/^Monday, 08:00/))
    fireEvent.click(screen.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(saved(bridge)).toHaveLength(1))
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Save' })).toBeNull())
    fireEvent.pointerDown(hour(/^Monday, 09:00/), { button: 0 })
    fireEvent.pointerUp(hour(/^Monday, 09:00/))
    expect(screen.getByText('Monday, 08:00 to 10:00')).toBeTruthy()
  })

  test('is painted with the mouse; a stroke over what is painted takes it off', async () => {
    renderApp(fixtures.one(), 'settings')
    const grid = await screen.findByRole('grid', { name: 'Schedule' })
    const drag = (from: RegExp, to: RegExp) => {
      fireEvent.pointerDown(hour(from), { button: 0 })
      fireEvent.pointerMove(hour(to))
      fireEvent.pointerUp(hour(to))
    }
    const count = () => within(grid).queryAllByRole('gridcell', { selected: true }).length
    drag(/^Monday, 08:00/, /^Friday, 17:00/)
    expect(screen.getByText('Monday to Friday, 08:00 to 18:00')).toBeTruthy()
    expect(count()).toBe(50)
    drag(/^Monday, 08:00/, /^Friday, 08:00/)
    expect(count()).toBe(45)
    fireEvent.pointerDown(screen.getByRole('rowheader', { name: /^Sunday/ }), { button: 0 })
    expect(count()).toBe(69)
    expect(screen.getByText('Sunday, all day')).toBeTruthy()
  })

  test('has other limits to paint with, which are refused like any rate', async () => {
    const { bridge } = renderApp(fixtures.one(), 'settings')
    fireEvent.click(await screen.findByRole('button', { name: 'Add a limit' }))
    const limit = within(screen.getByRole('group', { name: 'Limit 2' }))
    const uploads = limit.getByRole('textbox', { name: 'Uploads' })
    fireEvent.change(uploads, { target: { value: 'fast' } })
    fireEvent.blur(uploads)
    expect(await screen.findByText(/^Expected a rate such as 2 MiB\/s/)).toBeTruthy()
    fireEvent.change(uploads, { target: { value: 'none' } })
    fireEvent.blur(uploads)
    fireEvent.pointerDown(screen.getByRole('columnheader', { name: /^12:00/ }), { button: 0 })
    fireEvent.click(screen.getByRole('button', { name: 'Save' }))
    await waitFor(() =>
      expect(saved(bridge)).toMatchObject([
        { from: 12, to: 13, wanForeground: 2 ** 20, wanBackground: 2 ** 20, upload: null }
      ])
    )
  })
})

describe('a list of objects', () => {
  const label = 'Sites and their subnets'
  const open = async () => {
    const app = renderApp(fixtures.one(), 'settings')
    await search('hub.sites')
    return { ...app, group: within(await screen.findByRole('group', { name: label })) }
  }
  const type = (element: HTMLElement, value: string) => fireEvent.change(element, { target: { value } })

  test('has a card for each with its fields, is put in order and saved as a whole', async () => {
    const { bridge, group } = await open()
    expect(group.getByText('None')).toBeTruthy()
    for (const [at, site, subnets] of [
      [1, 'Bremen', '10.1.0.0/16, 10.2.0.0/16'],
      [2, 'Kiel', '10.3.0.0/16']
    ] as const) {
      fireEvent.click(group.getByRole('button', { name: 'Add an entry' }))
      const name = group.getByRole('textbox', { name: `Site of entry ${at}` })
      await waitFor(() => expect(document.activeElement).toBe(name))
      type(name, site)
      type(group.getByRole('textbox', { name: `Subnets of entry ${at}` }), subnets)
    }
    fireEvent.click(group.getByRole('button', { name: 'Move entry 2 up' }))
    expect(bridge.commands.some(({ c }) => c === 'settings.set')).toBe(false)
    fireEvent.keyDown(group.getByRole('textbox', { name: 'Site of entry 1' }), { key: 'Enter' })
    await waitFor(() =>
      expect(bridge.commands).toContainEqual({
        c: 'settings.set',
        name: 'hub.sites',
        value: [
          { name: 'Kiel', subnets: ['10.3.0.0/16'] },
          { name: 'Bremen', subnets: ['10.1.0.0/16', '10.2.0.0/16'] }
        ]
      })
    )
    await waitFor(() => expect(group.queryByRole('button', { name: 'Save' })).toBeNull())
  })

  test('says what is wrong with what was typed, keeps it, and Esc takes it back', async () => {
    const { bridge, group } = await open()
    fireEvent.click(group.getByRole('button', { name: 'Add an entry' }))
    type(group.getByRole('textbox', { name: 'Site of entry 1' }), 'Bremen')
    type(group.getByRole('textbox', { name: 'Subnets of entry 1' }), '10.1.0.0/99')
    fireEvent.click(group.getByRole('button', { name: 'Save' }))
    expect(await group.findByText(/expected a subnet/i)).toBeTruthy()
    expect(bridge.commands.some(({ c }) => c === 'settings.set')).toBe(false)
    fireEvent.keyDown(group.getByRole('textbox', { name: 'Subnets of entry 1' }), { key: 'Escape' })
    expect(group.queryByRole('textbox')).toBeNull()
    expect(group.queryByText(/expected a subnet/i)).toBeNull()
    await waitFor(() => expect(document.activeElement).toBe(group.getByRole('button', { name: 'Add an entry' })))
  })
})

test('a change is taken back from its notice', async () => {
  const { bridge } = renderApp(fixtures.one(), 'settings')
  await unfold('Transfers')
  const slots = screen.getByRole<HTMLInputElement>('textbox', { name: 'Upload slots' })
  const before = slots.value
  fireEvent.change(slots, { target: { value: '12' } })
  fireEvent.keyDown(slots, { key: 'Enter' })
  fireEvent.click(await screen.findByRole('button', { name: 'Undo' }))
  await waitFor(() => expect(bridge.commands).toContainEqual({ c: 'settings.unset', name: 'transfers.uploadSlots' }))
  await waitFor(() => expect(slots.value).toBe(before))
  expect((await screen.findAllByText('Upload slots is as it was')).length).toBeGreaterThan(0)
})
