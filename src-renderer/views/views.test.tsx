import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { fixtures, type FixtureName } from '../testing/fixtures.ts'
import { renderApp } from '../testing/render-app.tsx'
import { fixtureRequest, fixtureSnapshot } from '../testing/snapshots.ts'

const view = () => screen.getByRole('main')

describe('the frame', () => {
  test('goes through the views with the arrow keys', () => {
    renderApp(fixtures.everyday())
    const nav = screen.getByRole('navigation', { name: 'Views' })
    const overview = within(nav).getByRole('button', { current: 'page' })
    overview.focus()
    fireEvent.keyDown(overview, { key: 'ArrowDown' })
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Downloads')
    expect(document.activeElement?.textContent).toContain('Downloads')
    fireEvent.keyDown(document.activeElement!, { key: 'End' })
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Settings')
    fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' })
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Overview')
  })

  test('asks before the integration is turned off, and turns it on at once', async () => {
    const { bridge } = renderApp(fixtures.everyday())
    fireEvent.click(screen.getByRole('switch', { name: 'Integration on' }))
    const dialog = await screen.findByRole('alertdialog')
    expect(dialog.textContent).toContain('download directly')
    expect(bridge.commands.some((c) => c.c === 'integration.set')).toBe(false)
    fireEvent.change(within(dialog).getByRole('textbox', { name: 'Reason (optional)' }), {
      target: { value: ' a test of the line ' }
    })
    fireEvent.click(within(dialog).getByRole('button', { name: 'Turn off' }))
    await waitFor(() => expect(bridge.agent.snapshot?.integration.enabled).toBe(false))
    fireEvent.click(await screen.findByRole('switch', { name: 'Integration off' }))
    await waitFor(() => expect(bridge.agent.snapshot?.integration.enabled).toBe(true))
    // Nobody explains why it is on.
    expect(bridge.commands.filter((c) => c.c === 'integration.set')).toEqual([
      { c: 'integration.set', enabled: false, reason: 'a test of the line' },
      { c: 'integration.set', enabled: true }
    ])
  })

  test('pauses for an hour and offers to resume', async () => {
    const { bridge } = renderApp(fixtures.everyday())
    fireEvent.click(screen.getByRole('button', { name: 'Pause' }))
    fireEvent.click(await screen.findByRole('menuitem', { name: 'For 1 hour' }))
    await waitFor(() => expect(bridge.commands).toContainEqual({ c: 'all.pause', forMs: 3_600_000 }))
    fireEvent.click(await screen.findByRole('button', { name: /^Resume/ }))
    await waitFor(() => expect(bridge.agent.snapshot?.paused).toBeNull())
  })

  test('leaves out what does not work in this runtime', async () => {
    renderApp(
      { ...fixtures.everyday(), without: ['app.quit', 'shell.openLogFolder', 'shell.openCacheFolder'] },
      'cache'
    )
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Open folder' })).toBeNull())
    expect(screen.queryByRole('button', { name: 'More' })).toBeNull()
    expect(screen.getByRole('button', { name: 'Verify' })).toBeTruthy()
  })

  test.each([true, false])(
    'signs a browser out, and nothing stays on the page (the agent has heard it: %s)',
    async (heard) => {
      let asked = 0
      const signOut = async () => {
        asked++
        return heard
      }
      const { bridge } = renderApp(fixtures.everyday(), 'downloads', { signOut })
      fireEvent.click(screen.getByRole('button', { name: 'More' }))
      fireEvent.click(await screen.findByRole('menuitem', { name: 'Sign out' }))
      const dialog = await screen.findByRole('alertdialog')
      expect(asked).toBe(0)
      fireEvent.click(within(dialog).getByRole('button', { name: 'Sign out' }))
      expect(await screen.findByRole('heading', { name: 'This page is not signed in' })).toBeTruthy()
      expect(asked).toBe(1)
      expect(screen.queryByText('Signed out here') !== null).toBe(!heard)
      // What was still on its way.
      act(() => void bridge.push())
      expect(screen.getByRole('heading', { name: 'This page is not signed in' })).toBeTruthy()
      expect(screen.queryByRole('button', { name: 'Pause' })).toBeNull()
    }
  )

  test('offers no sign-out where nobody signed in', async () => {
    renderApp(fixtures.everyday())
    fireEvent.click(screen.getByRole('button', { name: 'More' }))
    expect(await screen.findByRole('menuitem', { name: 'Quit Larder' })).toBeTruthy()
    expect(screen.queryByRole('menuitem', { name: 'Sign out' })).toBeNull()
  })

  test('shows the reason when the agent could not start', () => {
    renderApp(fixtures.failed())
    expect(screen.getByRole('alert').textContent).toMatch(/Port 4726 is used.*PORT_TAKEN/)
  })

  test('lets the settings be changed and the agent be started again when it could not start', async () => {
    const { bridge } = renderApp(fixtures.failed())
    fireEvent.click(screen.getByRole('button', { name: 'Start again' }))
    await waitFor(() => expect(bridge.commands).toContainEqual({ c: 'agent.restart' }))
    fireEvent.click(within(screen.getByRole('alert')).getByRole('button', { name: 'Settings' }))
    fireEvent.click(await screen.findByRole('button', { name: /^Ports/ }))
    expect(await screen.findByRole('textbox', { name: 'Local API port' })).toBeTruthy()
  })

  test('shows that it waits while the agent starts', () => {
    renderApp(fixtures.loading())
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Larder is starting…')
  })

  test('keeps the last picture and says so when the agent falls silent', () => {
    const { bridge, tick } = renderApp(fixtures.everyday())
    bridge.agent.silent = true
    for (let i = 0; i < 6; i++) act(tick)
    expect(screen.getByText('This may be out of date.')).toBeTruthy()
    for (let i = 0; i < 10; i++) act(tick)
    expect(screen.getByText('The agent does not answer.')).toBeTruthy()
    expect(view().textContent).toContain('OfficeSetup-16.89.msi')
    expect(screen.getByRole<HTMLInputElement>('switch').disabled).toBe(true)
    bridge.agent.silent = false
    act(() => void bridge.push())
    expect(screen.queryByText('The agent does not answer.')).toBeNull()
  })
})

describe('news', () => {
  test('of what changed is said to those who do not see it, without the mouse or the focus', async () => {
    const { bridge } = renderApp(fixtures.everyday())
    expect(screen.getByRole('log', { name: 'News' }).textContent).toBe('')
    act(() =>
      bridge.change((s) => ({
        ...s,
        integration: { enabled: false, by: 'Helpdesk', since: s.at, reason: null, managedBy: null },
        requests: s.requests.map((r, i) => (i === 0 ? { ...r, state: 'done' as const } : r))
      }))
    )
    await waitFor(() =>
      expect(screen.getByRole('log', { name: 'News' }).textContent).toBe(
        'Helpdesk turned the integration off. OfficeSetup-16.89.msi is here.'
      )
    )
  })
})

describe('overview', () => {
  test('says what happens, what it saved, and who set the integration', () => {
    renderApp(fixtures.everyday())
    expect(screen.getByText('Downloading 3 files at 61 MiB/s, 2 waiting, serving 3 PCs')).toBeTruthy()
    expect(screen.getByText('87 %')).toBeTruthy()
    expect(view().textContent).toContain('Set by Helpdesk (R. Okafor)')
  })

  test('tells a PC without a fleet how to join', () => {
    renderApp(fixtures.nofleet())
    fireEvent.click(within(view()).getByRole('button', { name: 'Settings' }))
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Settings')
  })

  test('claims no savings before anything was delivered', () => {
    renderApp(fixtures.empty())
    expect(view().textContent).toContain('Nothing has been delivered yet')
    expect(view().textContent).not.toContain('%')
  })
})

describe('downloads', () => {
  test('show progress, master and the reason, and say more when opened', async () => {
    renderApp(fixtures.everyday(), 'downloads')
    const row = await screen.findByRole('row', { name: /OfficeSetup/ })
    expect(row.textContent).toContain('Master: studio-2')
    expect(within(row).getByRole('img').getAttribute('aria-label')).toMatch(
      /from the origin, .* from peers, .* of 612 MiB/
    )
    expect(screen.getByRole('row', { name: /brand-fonts/ }).textContent).toContain(
      'No peer delivered a first byte in time.'
    )
    fireEvent.keyDown(row, { key: 'Enter' })
    expect(await screen.findByText(/of 612 pieces verified/)).toBeTruthy()
    expect(screen.getByRole('img', { name: /^Piece map: 318 of 612 pieces verified/ }).children.length).toBe(204)
    fireEvent.keyDown(row, { key: 'Escape' })
    await waitFor(() => expect(screen.queryByText(/of 612 pieces verified/)).toBeNull())
  })

  test('go from row to row with the arrow keys, one Tab stop for all', async () => {
    renderApp(fixtures.everyday(), 'downloads')
    const rows = (await screen.findAllByRole('row')).filter((row) => row.hasAttribute('data-row'))
    expect(rows.map((row) => row.tabIndex)).toEqual([0, -1, -1])
    rows[0]!.focus()
    fireEvent.keyDown(rows[0]!, { key: 'ArrowDown' })
    expect(document.activeElement).toBe(rows[1])
    fireEvent.keyDown(rows[1]!, { key: 'End' })
    expect(document.activeElement).toBe(rows[2])
    expect(rows[2]!.tabIndex).toBe(0)
    expect(
      within(rows[0]!)
        .getAllByRole('button')
        .every((button) => button.tabIndex === -1)
    ).toBe(true)
  })

  test('are paused, resumed, cancelled and retried', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'downloads')
    fireEvent.click(await screen.findByRole('button', { name: 'Pause: OfficeSetup-16.89.msi' }))
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Pause: OfficeSetup-16.89.msi' })).toBeNull())
    fireEvent.click(screen.getByRole('tab', { name: /Waiting/ }))
    fireEvent.click(await screen.findByRole('button', { name: 'Resume: OfficeSetup-16.89.msi' }))
    await waitFor(() => expect(bridge.agent.snapshot?.requests[0]?.state).toBe('waiting'))
    fireEvent.click(await screen.findByRole('button', { name: 'Cancel: OfficeSetup-16.89.msi' }))
    await waitFor(() => expect(bridge.agent.snapshot?.requests[0]?.state).toBe('cancelled'))
    fireEvent.click(screen.getByRole('tab', { name: /Cancelled/ }))
    fireEvent.click(await screen.findByRole('button', { name: 'Retry: OfficeSetup-16.89.msi' }))
    await waitFor(() => expect(bridge.agent.snapshot?.requests[0]?.state).toBe('checking'))
  })

  test('are all retried at once, and copied for a ticket', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'downloads')
    const before = bridge.agent.snapshot!.requests.filter(({ state }) => state === 'failed' || state === 'cancelled')
    for (const { id } of before) await bridge.invoke({ c: 'request.retry', id })
    const running = bridge.agent.snapshot!.requests.filter(({ state }) => state !== 'done').slice(0, 2)
    for (const { id } of running) await bridge.invoke({ c: 'request.cancel', id })
    fireEvent.click(await screen.findByRole('tab', { name: /Cancelled \(2\)/ }))
    fireEvent.click((await screen.findAllByRole('row', { expanded: false }))[0]!)
    fireEvent.click(await screen.findByRole('button', { name: 'Copy details' }))
    await waitFor(() => expect(bridge.commands.some(({ c }) => c === 'shell.copyText')).toBe(true))
    const copied = bridge.commands.find((command) => command.c === 'shell.copyText')
    expect(copied?.text).toMatch(/^Download: r-\S+\nAddress: http\S+\nState: Cancelled\n/)
    fireEvent.click(screen.getByRole('button', { name: 'Retry all' }))
    await waitFor(() => {
      const states = running.map(({ id }) => bridge.agent.snapshot!.requests.find((one) => one.id === id)?.state)
      expect(states).toEqual(['checking', 'checking'])
    })
    expect(await screen.findByText('2 downloads started again')).toBeTruthy()
  })

  test('say who asked, and leave the list when they have ended and somebody clears it', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'downloads')
    const running = bridge.agent.snapshot!.requests.filter(({ finishedAt }) => finishedAt === null)
    expect((await screen.findAllByText(/for larder get/)).length).toBeGreaterThan(0)
    fireEvent.click(screen.getByRole('button', { name: 'Clear list' }))
    const dialog = await screen.findByRole('alertdialog', { name: 'Clear the list?' })
    fireEvent.click(within(dialog).getByRole('button', { name: 'Keep as it is' }))
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
    expect(bridge.commands.some(({ c }) => c === 'request.clear')).toBe(false)
    fireEvent.click(screen.getByRole('button', { name: 'Clear list' }))
    fireEvent.click(await screen.findByRole('button', { name: /^Remove \d+ downloads$/ }))
    await waitFor(() =>
      expect(bridge.agent.snapshot!.requests.map(({ id }) => id)).toEqual(running.map(({ id }) => id))
    )
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Clear list' })).toBeNull())
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Add a download'))
  })

  test('say that a program was not started but shown', async () => {
    const agent = fixtures.everyday()
    const { bridge } = renderApp(agent, 'downloads')
    const invoke = bridge.invoke.bind(bridge)
    Object.assign(bridge, {
      invoke: (command: Parameters<typeof invoke>[0]) =>
        command.c === 'shell.openFile' ? Promise.resolve({ ok: true, value: { opened: false } }) : invoke(command)
    })
    fireEvent.click(screen.getByRole('tab', { name: /Done/ }))
    fireEvent.click(await screen.findByRole('button', { name: 'Open file: ax211-23.80.1.exe' }))
    expect((await screen.findAllByText('Programs and scripts are not started from here.')).length).toBeGreaterThan(0)
  })

  test('an address the agent refuses is explained where it was typed', async () => {
    const { bridge } = renderApp(fixtures.empty(), 'downloads')
    fireEvent.click(screen.getAllByRole('button', { name: 'Add a download' })[0]!)
    const dialog = await screen.findByRole('dialog')
    const address = within(dialog).getByLabelText(/Address/)
    fireEvent.change(address, { target: { value: 'ftp://files.example/x' } })
    fireEvent.submit(address.closest('form')!)
    expect(
      (await within(dialog).findByText('Use an http:// or https:// URL.', { exact: false })).textContent
    ).toContain('cannot be downloaded')
    fireEvent.change(address, { target: { value: 'https://files.example/tool.zip' } })
    fireEvent.submit(address.closest('form')!)
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(bridge.agent.snapshot?.requests.at(-1)?.url).toBe('https://files.example/tool.zip')
  })

  test('keep the focus in the list when a row leaves it', async () => {
    renderApp(fixtures.everyday(), 'downloads')
    const pause = await screen.findByRole('button', { name: 'Pause: OfficeSetup-16.89.msi' })
    pause.focus()
    fireEvent.click(pause)
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Pause: OfficeSetup-16.89.msi' })).toBeNull())
    expect(document.activeElement?.getAttribute('data-row')).toBe('0')
  })

  test('are put in order by name, then the other way round, then as they were', async () => {
    renderApp(fixtures.everyday(), 'downloads')
    const names = () =>
      screen
        .getAllByRole('row')
        .filter((row) => row.hasAttribute('data-row'))
        .map((row) => row.querySelector('[title]')?.textContent)
    const newest = ['OfficeSetup-16.89.msi', 'kb5061998-x64.msu', 'brand-fonts-2026.zip']
    await screen.findByRole('treegrid')
    expect(names()).toEqual(newest)
    const header = () => screen.getByRole('columnheader', { name: /^File/ })
    fireEvent.click(within(header()).getByRole('button'))
    expect(names()).toEqual(['brand-fonts-2026.zip', 'kb5061998-x64.msu', 'OfficeSetup-16.89.msi'])
    expect(header().getAttribute('aria-sort')).toBe('ascending')
    fireEvent.click(within(header()).getByRole('button'))
    expect(names()).toEqual(['OfficeSetup-16.89.msi', 'kb5061998-x64.msu', 'brand-fonts-2026.zip'])
    expect(header().getAttribute('aria-sort')).toBe('descending')
    fireEvent.click(within(header()).getByRole('button'))
    expect(header().getAttribute('aria-sort')).toBeNull()
  })

  test('offer nothing to do while nobody would hear it', async () => {
    const { bridge, tick } = renderApp(fixtures.everyday(), 'downloads')
    bridge.agent.silent = true
    for (let i = 0; i < 6; i++) act(tick)
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Pause: OfficeSetup-16.89.msi' }).disabled).toBe(true)
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Add a download' }).disabled).toBe(true)
  })

  test('draw only what is seen of 500', async () => {
    renderApp(fixtures.busy(), 'downloads')
    const grid = await screen.findByRole('treegrid')
    expect(Number(grid.getAttribute('aria-rowcount'))).toBeGreaterThan(300)
    expect(within(grid).getAllByRole('row').length).toBeLessThan(40)
  })

  test('a new snapshot touches nothing of the page but the rows that changed', async () => {
    const requests = [fixtureRequest(0, { percent: 10 }), fixtureRequest(1, { percent: 20 })]
    const { bridge } = renderApp({ snapshot: fixtureSnapshot({ requests }) }, 'downloads')
    await screen.findAllByRole('row')
    const changed = new Set<string>()
    const observer = new MutationObserver((records) => {
      for (const { target } of records)
        changed.add(
          (target instanceof Element ? target : target.parentElement)
            ?.closest('[data-row]')
            ?.getAttribute('data-row') ?? 'elsewhere'
        )
    })
    observer.observe(screen.getByRole('treegrid'), {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true
    })
    act(() =>
      bridge.change((s) =>
        structuredClone({
          ...s,
          requests: s.requests.map((r, i) => (i === 1 ? { ...r, haveBytes: r.haveBytes * 2 } : r))
        })
      )
    )
    await waitFor(() => expect([...changed]).toEqual(['1']))
    observer.disconnect()
  })
})

describe('site', () => {
  test('names why a peer was refused, the master of each content and who is served', async () => {
    renderApp(fixtures.everyday(), 'site')
    expect(screen.getByText('It has another site key: it belongs to another fleet.')).toBeTruthy()
    const panel = screen.getByRole('region', { name: 'Served to others now' })
    expect(within(panel).getByText('studio-2')).toBeTruthy()
    fireEvent.click(screen.getByRole('button', { name: /OfficeSetup/ }))
    const table = await screen.findByRole('table', { name: 'Candidates, in the order of the election' })
    expect(
      within(table)
        .getAllByRole('row')
        .slice(1)
        .map((row) => within(row).getByRole('rowheader').textContent)
    ).toEqual(['studio-2', 'front-desk', 'reception', 'marta-laptop'])
    expect(screen.getByText(/has the higher weight \(61\)/)).toBeTruthy()
  })

  test('shows hubs, other subnets and what is passed on from them, and nothing of it where there is no hub', () => {
    renderApp(fixtures.subnets(), 'site')
    const panel = within(screen.getByRole('region', { name: 'Other subnets' }))
    expect(panel.getByText('hub-bremen')).toBeTruthy()
    expect(panel.getByText(/does not answer its proxy \(502\)/)).toBeTruthy()
    expect(panel.getByText('pc-7 in 10.20.5.0/24 downloads it for the site; this PC passes it on')).toBeTruthy()
    expect(panel.getByText('10.20.6.0/24')).toBeTruthy()
  })

  test('stops serving for as long as is said, and serves again', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'site')
    fireEvent.click(screen.getByRole('button', { name: 'Stop serving' }))
    fireEvent.click(await screen.findByRole('menuitem', { name: 'For 1 hour' }))
    expect(await screen.findByText(/Peers get nothing from this PC until/)).toBeTruthy()
    expect(bridge.commands).toContainEqual({ c: 'serving.stop', forMs: 3_600_000 })
    fireEvent.click(screen.getByRole('button', { name: 'Serve again' }))
    await screen.findByRole('button', { name: 'Stop serving' })
    expect(bridge.agent.snapshot?.servingStopped).toBeNull()
  })
})

describe('cache', () => {
  test('says what clearing frees before it is done, and does it', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'cache')
    fireEvent.click(screen.getByRole('button', { name: 'Clear…' }))
    const dialog = await screen.findByRole('alertdialog')
    const pinned = bridge.agent.entries!.filter((e) => e.pinned).length
    expect((await within(dialog).findByText(/will be removed/)).textContent).toContain(`${pinned} contents stay`)
    expect(bridge.agent.entries).toHaveLength(214)
    fireEvent.click(within(dialog).getByRole('checkbox'))
    await waitFor(() => expect(within(dialog).getByText(/will be removed/).textContent).toContain('214 contents'))
    fireEvent.click(within(dialog).getByRole('button', { name: /^Free / }))
    await waitFor(() => expect(bridge.agent.entries).toHaveLength(0))
  })

  test('keeps everything when the answer is no', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'cache')
    fireEvent.click(await screen.findByRole('button', { name: 'Remove: OfficeSetup-16.89.msi' }))
    const dialog = await screen.findByRole('alertdialog')
    expect(dialog.textContent).toMatch(/MiB will be freed/)
    fireEvent.click(within(dialog).getByRole('button', { name: 'Keep as it is' }))
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
    expect(bridge.commands.some((c) => c.c === 'cache.remove')).toBe(false)
  })

  test('asks for a hundred of 10,000 entries, and searches at the agent', async () => {
    const { bridge } = renderApp(fixtures.busy(), 'cache')
    expect((await screen.findByRole('treegrid')).getAttribute('aria-rowcount')).toBe('10001')
    const lists = () => bridge.commands.filter((c) => c.c === 'cache.list')
    expect(lists().every((c) => c.query.limit === 100)).toBe(true)
    expect(lists().length).toBeLessThan(4)
    fireEvent.change(screen.getByRole('searchbox', { name: 'Search the cache' }), { target: { value: 'debian' } })
    await screen.findByText('1,000 matches')
    expect(lists().at(-1)?.query.search).toBe('debian')
  })

  test('pins with the row it belongs to', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'cache')
    fireEvent.click(await screen.findByRole('button', { name: 'Pin: OfficeSetup-16.89.msi' }))
    await screen.findByRole('button', { name: 'Unpin: OfficeSetup-16.89.msi' })
    expect(bridge.agent.entries?.[0]?.pinned).toBe(true)
  })
})

describe('events', () => {
  test('show problems first, everything on demand, and what to do about each', async () => {
    renderApp(fixtures.everyday(), 'events')
    expect(await screen.findByText(/no peer delivered a first byte in time/)).toBeTruthy()
    expect(screen.queryByText('studio-2 is connected.')).toBeNull()
    fireEvent.change(screen.getByRole('combobox', { name: 'Show' }), { target: { value: 'all' } })
    expect(await screen.findByText('studio-2 is connected.')).toBeTruthy()
    fireEvent.click(screen.getByRole('row', { name: /speech-small/ }))
    expect(await screen.findByText('Check the URL; the origin says the file is not there.')).toBeTruthy()
  })

  test('are saved as CSV as they are filtered', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'events')
    fireEvent.change(await screen.findByRole('combobox', { name: 'Show' }), { target: { value: 'fallbacks' } })
    fireEvent.click(await screen.findByRole('button', { name: 'Export' }))
    fireEvent.click(await screen.findByRole('menuitem', { name: 'As CSV' }))
    await screen.findAllByText('larder-events.csv is saved')
    const saved = bridge.commands.find((c) => c.c === 'shell.saveText')
    expect(saved?.text.trim().split('\r\n')).toHaveLength(3)
  })

  test('of the run before are not mixed with those of the new one', async () => {
    const { bridge } = renderApp(fixtures.everyday(), 'events')
    await screen.findByText(/no peer delivered/)
    act(() =>
      bridge.change((s) => ({
        ...s,
        bootId: '0000000000000001',
        events: [{ seq: 1, at: s.at, type: 'warning', text: 'Only this one.' }]
      }))
    )
    expect(await screen.findByText('Only this one.')).toBeTruthy()
    await waitFor(() => expect(screen.queryByText(/no peer delivered/)).toBeNull())
  })
})

test.each(Object.keys(fixtures) as FixtureName[])('the fixture %s is drawn without a broken view', (name) => {
  const views = ['overview', 'site', 'events'] as const
  renderApp(fixtures[name](), views[Object.keys(fixtures).indexOf(name) % views.length])
  expect(screen.queryByText('This view broke')).toBeNull()
  expect(view().textContent.length).toBeGreaterThan(10)
})
