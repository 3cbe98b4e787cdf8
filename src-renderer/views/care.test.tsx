import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { fixtures } from '../testing/fixtures.ts'
import { renderApp } from '../testing/render-app.tsx'
import { officeRates } from '../testing/snapshots.ts'

const GIB = 1024 ** 3
const view = () => screen.getByRole('main')

describe('limits of speed', () => {
  test('in force are told beside the throughput, with the hour they change at; the link shows those settings alone', async () => {
    renderApp(fixtures.everyday())
    const limits = screen.getByRole('region', { name: 'Limits' })
    expect(limits.textContent).toContain('From the origin: at most 2 MiB/s in the background')
    expect(limits.textContent).toContain('To peers: at most 12 MiB/s')
    expect(await within(limits).findByText(/next change is at 18:00/)).toBeTruthy()
    fireEvent.click(within(limits).getByRole('button', { name: 'Limits' }))
    expect(await screen.findByRole('heading', { name: 'Speed limits' })).toBeTruthy()
    expect(screen.getAllByRole('heading', { level: 2 })).toHaveLength(1)
    expect(screen.getByRole('textbox', { name: 'Background download limit' })).toBeTruthy()
  })

  test('are nowhere where nothing is limited, and a month that is used up is told where serving is', () => {
    const { bridge } = renderApp(fixtures.empty())
    expect(screen.queryByRole('region', { name: 'Limits' })).toBeNull()
    act(() =>
      bridge.change((s) => ({
        ...s,
        rates: { ...s.rates, uploads: { month: '2026-11', bytes: 100 * GIB, limitBytes: 100 * GIB, allowed: false } }
      }))
    )
    expect(screen.getByRole('region', { name: 'Limits' }).textContent).toContain('nothing until next month')
    fireEvent.click(within(screen.getByRole('navigation', { name: 'Views' })).getByRole('button', { name: /Site/ }))
    expect(screen.getByText('Limit reached')).toBeTruthy()
    expect(view().textContent).toContain('100 GiB of 100 GiB this month')
  })

  test('of a download stand in its details while it runs', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'downloads')
    fireEvent.keyDown(await screen.findByRole('row', { name: /OfficeSetup/ }), { key: 'Enter' })
    expect(await screen.findByText('2 MiB/s from the origin, gives way to other traffic')).toBeTruthy()
    act(() =>
      bridge.change((s) => ({
        ...s,
        rates: {
          ...officeRates,
          caps: { ...officeRates.caps, wanBackground: null },
          adaptive: { ...officeRates.adaptive, enabled: false }
        }
      }))
    )
    await waitFor(() => expect(screen.queryByText(/gives way to other traffic/)).toBeNull())
  })
})

describe('pre-caching', () => {
  test('tells its next run and what failed in the last one, runs when it is told to, and stops', async () => {
    const { bridge } = renderApp(fixtures.everyday())
    const panel = within(screen.getByRole('region', { name: 'Pre-caching' }))
    expect(panel.getByText(/^Next run: \d\d:00\.$/)).toBeTruthy()
    expect(panel.getByText(/118 of 120 contents ready, 96 were there before/)).toBeTruthy()
    fireEvent.click(panel.getByRole('button', { name: '2 failures' }))
    expect((await screen.findByRole('dialog')).textContent).toMatch(
      /proofing-tools-16\.89\.msi.*ORIGIN_NOT_FOUND.*universal-7\.1\.exe.*DIGEST_MISMATCH/
    )
    fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Close' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    fireEvent.click(panel.getByRole('button', { name: 'Run now' }))
    expect(await panel.findByRole('progressbar', { name: 'Pre-caching' })).toBeTruthy()
    fireEvent.click(await panel.findByRole('button', { name: 'Stop' }))
    await waitFor(() => expect(bridge.commands).toContainEqual({ c: 'precache.stop' }))
  })

  test('is not there on a PC without a list', () => {
    renderApp(fixtures.empty())
    expect(screen.queryByRole('region', { name: 'Pre-caching' })).toBeNull()
  })
})

describe('care of the cache', () => {
  test('pins for a time, gives another priority, and says whom a content was served to', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'cache')
    fireEvent.keyDown(await screen.findByRole('row', { name: /OfficeSetup-16\.89\.msi/ }), { key: 'Enter' })
    expect(await screen.findByText(/^studio-2 .* and 1 more PC$/)).toBeTruthy()
    expect(screen.getByText('Until room is needed')).toBeTruthy()
    fireEvent.click(screen.getByRole('button', { name: 'Pin for…' }))
    fireEvent.click(await screen.findByRole('menuitem', { name: '30 days' }))
    expect(await screen.findByText('Pinned until 23 Dec 2026')).toBeTruthy()
    expect(bridge.agent.entries?.[0]).toMatchObject({
      pinned: true,
      pinnedUntil: bridge.agent.snapshot!.at + 30 * 24 * 3_600_000
    })
    await waitFor(() =>
      expect(screen.getByRole<HTMLSelectElement>('combobox', { name: 'Priority' }).disabled).toBe(false)
    )
    fireEvent.change(screen.getByRole('combobox', { name: 'Priority' }), { target: { value: 'low' } })
    await waitFor(() => expect(bridge.agent.entries?.[0]?.priority).toBe('low'))
    fireEvent.click(screen.getByRole('button', { name: 'Pin again for' }))
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Unpin' }))
    expect(await screen.findByText('Until room is needed')).toBeTruthy()
  })

  test('says how hard the limits press, how far a move is, and where it moves next; that can be taken back', async () => {
    const { bridge } = renderApp(fixtures.moving(), 'cache')
    expect(screen.getByText('6.1 GiB evicted in the last hour')).toBeTruthy()
    expect(screen.getByRole('progressbar', { name: 'Move of the cache' })).toBeTruthy()
    expect(screen.getByText(/131 of 214 contents, 11\.2 GiB/)).toBeTruthy()
    fireEvent.click(screen.getByRole('button', { name: 'Keep it here' }))
    await waitFor(() => expect(bridge.agent.snapshot?.cacheNext).toBeNull())
    expect(screen.queryByText(/moves when Larder starts again/)).toBeNull()
  })

  test('moves to another folder at the next start; a path that is none is refused where it was typed', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'cache')
    fireEvent.click(screen.getByRole('button', { name: 'Move…' }))
    const dialog = within(await screen.findByRole('dialog'))
    fireEvent.change(dialog.getByRole('textbox', { name: /New folder/ }), { target: { value: 'larder' } })
    fireEvent.click(dialog.getByRole('button', { name: 'Move' }))
    expect(await dialog.findByText('larder is not an absolute path.')).toBeTruthy()
    fireEvent.change(dialog.getByRole('textbox', { name: /New folder/ }), { target: { value: 'E:\\larder' } })
    fireEvent.click(dialog.getByRole('button', { name: 'Move' }))
    expect(await screen.findByText('The cache moves when Larder next starts.')).toBeTruthy()
    expect(bridge.agent.snapshot?.cacheNext).toBe('E:\\larder')
  })

  test('on a full disk it says that downloads fail and have to be retried, and leads there', async () => {
    renderApp(fixtures.trouble(), 'cache')
    const notice = screen.getByText('The disk is full.').closest('[role=group], div')!.parentElement!
    expect(notice.textContent).toContain('Downloads that need more room fail.')
    expect(notice.textContent).not.toContain('by themselves')
    fireEvent.click(within(notice).getByRole('button', { name: 'Downloads' }))
    expect(await screen.findAllByRole('button', { name: /^Retry: / })).not.toHaveLength(0)
  })
})

test('the certificate of a fleet’s CA is told before it ends', () => {
  const agent = fixtures.everyday()
  const fleet = (days: number) => ({
    member: true,
    via: 'ca' as const,
    tag: null,
    expiresAt: agent.snapshot!.at + days * 24 * 3_600_000,
    denyListNumber: 3,
    denied: 2
  })
  agent.snapshot = { ...agent.snapshot!, fleet: fleet(60) }
  const { bridge } = renderApp(agent)
  expect(view().textContent).toContain('Its certificate ends on 22 Jan 2027.')
  expect(view().textContent).toContain('2 devices removed.')
  expect(view().textContent).not.toContain('enroll it again')
  act(() => bridge.change((s) => ({ ...s, fleet: fleet(9) })))
  expect(view().textContent).toContain('enroll it again')
})
