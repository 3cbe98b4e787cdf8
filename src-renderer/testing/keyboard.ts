import type { Page } from '@playwright/test'

/** A way through the window without a mouse. @returns what is wrong, a line each */
export interface KeyboardWalk {
  readonly name: string
  readonly query: Record<string, string>
  walk(page: Page): Promise<string[]>
}

/** More Tab stops than any view has. */
const MOST_STOPS = 150
/** A dialog fades out, a list is read again: the focus may take this long to come back, ms. */
const FOCUS_WITHIN_MS = 2500

interface Stop {
  readonly what: string
  readonly named: boolean
  readonly marked: boolean
  readonly seen: boolean
}

/** Where the focus is: what it is called, whether one sees it and its ring. Null: on the page itself. */
function focused(page: Page): Promise<Stop | null> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement | null
    if (element === null || element === document.body) return null
    const box = element.getBoundingClientRect()
    const labels =
      'labels' in element
        ? [...((element as HTMLInputElement).labels ?? [])].map((label) => label.textContent).join(' ')
        : ''
    const name = element.getAttribute('aria-label') ?? (labels || element.textContent || element.title)
    // A ring is an outline or shadow of the element, of a part of it made for that, or of the frame around a field; of a link its double line.
    const around = [element, element.parentElement, element.nextElementSibling].filter((one) => one !== null)
    const ring = around.some((one) =>
      [null, '::after', '::before'].some((part) => {
        const style = getComputedStyle(one, part)
        return (
          (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) ||
          style.boxShadow !== 'none' ||
          parseFloat(style.borderBottomWidth) >= 2 ||
          style.textDecorationStyle === 'double'
        )
      })
    )
    return {
      what: `${element.getAttribute('role') ?? element.tagName.toLowerCase()} “${name.trim().slice(0, 40)}”`,
      named: name.trim() !== '',
      marked: ring,
      seen: box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight && box.width > 0
    }
  })
}

async function press(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await page.keyboard.press(key)
    await page.waitForTimeout(80)
  }
}

/** Goes with Tab until `what` has the focus. */
async function tabTo(page: Page, what: RegExp): Promise<void> {
  for (let i = 0; i < MOST_STOPS; i++) {
    await press(page, 'Tab')
    if (what.test((await focused(page))?.what ?? '')) return
  }
  throw new Error(`Tab never reaches ${what}`)
}

async function expectFocus(page: Page, what: RegExp, when: string): Promise<string[]> {
  let stop: Stop | null = null
  for (let waited = 0; waited < FOCUS_WITHIN_MS; waited += 100) {
    stop = await focused(page)
    if (what.test(stop?.what ?? '')) return []
    await page.waitForTimeout(100)
  }
  return [`${when} the focus is on ${stop?.what ?? 'nothing'}, not on ${what}`]
}

/** Every Tab stop of a view has a name, can be seen and shows that it has the focus. */
function roundTrip(view: string): KeyboardWalk {
  return {
    name: `every stop of ${view}`,
    query: { fixture: 'everyday', view },
    walk: async (page) => {
      await page.waitForTimeout(600)
      const found: string[] = []
      const seen: string[] = []
      for (let i = 0; i < MOST_STOPS; i++) {
        await page.keyboard.press('Tab')
        const stop = await focused(page)
        if (stop === null) break
        seen.push(stop.what)
        if (!stop.named) found.push(`${stop.what} has no name`)
        if (!stop.marked) found.push(`${stop.what} does not show that it has the focus`)
        if (!stop.seen) found.push(`${stop.what} has the focus and cannot be seen`)
      }
      if (seen.length < 6) found.push(`only ${seen.length} stops: ${seen.join(', ')}`)
      return found
    }
  }
}

export const keyboardWalks: readonly KeyboardWalk[] = [
  ...['overview', 'downloads', 'site', 'cache', 'events', 'settings'].map(roundTrip),
  {
    name: 'pause menu opens, gives the focus back, and works',
    query: { fixture: 'everyday', view: 'overview' },
    walk: async (page) => {
      await tabTo(page, /button “Pause”/)
      await press(page, 'Enter')
      const found = await expectFocus(page, /menuitem “For 1 hour”/, 'When the menu is open')
      await press(page, 'Escape')
      found.push(...(await expectFocus(page, /button “Pause”/, 'After Esc')))
      await press(page, 'Enter', 'ArrowDown', 'Enter')
      await page.getByRole('button', { name: /^Resume/ }).waitFor()
      return found
    }
  },
  {
    name: 'the integration is turned off after a question, and the focus returns',
    query: { fixture: 'everyday', view: 'overview' },
    walk: async (page) => {
      await tabTo(page, /Integration on/)
      await press(page, 'Space')
      const found = await expectFocus(page, /button “(Turn off|Keep as it is)”/, 'In the question')
      await press(page, 'Escape')
      found.push(...(await expectFocus(page, /Integration on/, 'After Esc')))
      await press(page, 'Space')
      await page.getByRole('alertdialog').waitFor()
      await page.waitForTimeout(300)
      await tabTo(page, /button “Turn off”/)
      await press(page, 'Enter')
      await page.getByRole('switch', { name: 'Integration off' }).waitFor()
      return [...found, ...(await expectFocus(page, /Integration off/, 'After it was turned off'))]
    }
  },
  {
    name: 'a download is opened, closed, paused; the focus stays in the list until it is empty',
    query: { fixture: 'everyday', view: 'downloads' },
    walk: async (page) => {
      await tabTo(page, /^row “OfficeSetup/)
      await press(page, 'ArrowDown', 'ArrowUp', 'ArrowRight')
      await page.getByText(/pieces verified/).waitFor()
      await press(page, 'ArrowLeft', 'Enter', 'Escape')
      const found = await expectFocus(page, /^row “OfficeSetup/, 'After closing')
      for (let left = 3; left > 0; left--) {
        await tabTo(page, /^button “Pause: /)
        await press(page, 'Enter')
        found.push(...(await expectFocus(page, left > 1 ? /^row / : /^h1 “Downloads”/, `With ${left - 1} rows left`)))
      }
      return found
    }
  },
  {
    name: 'clear the cache: the question has the focus, Esc gives it back, Enter does it',
    query: { fixture: 'everyday', view: 'cache' },
    walk: async (page) => {
      await tabTo(page, /button “Clear…”/)
      await press(page, 'Enter')
      await page.getByText(/will be removed/).waitFor()
      await press(page, 'Escape')
      const found = await expectFocus(page, /button “Clear…”/, 'After Esc')
      await press(page, 'Enter')
      await page.getByText(/will be removed/).waitFor()
      await tabTo(page, /button “Free /)
      await press(page, 'Enter')
      await page.getByText(/freed/).first().waitFor()
      return [...found, ...(await expectFocus(page, /button “Clear…”/, 'After clearing'))]
    }
  },
  {
    name: 'an entry is removed; the next row takes the focus',
    query: { fixture: 'everyday', view: 'cache' },
    walk: async (page) => {
      await tabTo(page, /^row “OfficeSetup/)
      await tabTo(page, /^button “Remove: OfficeSetup/)
      await press(page, 'Enter')
      await page.getByRole('alertdialog').waitFor()
      await page.waitForTimeout(300)
      await tabTo(page, /button “Remove”/)
      await press(page, 'Enter')
      await page
        .getByText(/is removed/)
        .first()
        .waitFor()
      return await expectFocus(page, /^(row|button “(Pin|Remove): )/, 'After the removal')
    }
  },
  {
    name: 'a schedule is painted, kept in one Tab stop, and saved',
    query: { fixture: 'one', view: 'settings' },
    walk: async (page) => {
      await tabTo(page, /^gridcell “Monday, 00:00/)
      await press(page, 'Space', 'Shift+ArrowRight', 'Shift+ArrowDown')
      const found = await expectFocus(page, /^gridcell “Tuesday, 01:00/, 'After painting')
      await press(page, 'Tab')
      found.push(...(await expectFocus(page, /^button “Save”/, 'After the grid')))
      await press(page, 'Enter')
      await page.getByText('Schedule is saved').first().waitFor()
      return found
    }
  },
  {
    name: 'a section of the settings is unfolded; an entry is added to a list and removed',
    query: { fixture: 'one', view: 'settings' },
    walk: async (page) => {
      await tabTo(page, /^button “Gateway for/)
      await press(page, 'Enter')
      await tabTo(page, /^input “Add to Allowed hosts/)
      await page.keyboard.type('pypi.org')
      await press(page, 'Enter')
      const found = await expectFocus(page, /^input “Add to Allowed hosts/, 'After adding')
      await press(page, 'Shift+Tab', 'Enter')
      return [...found, ...(await expectFocus(page, /^input “Add to Allowed hosts/, 'After removing'))]
    }
  },
  {
    name: 'a download is added and the dialog left',
    query: { fixture: 'everyday', view: 'downloads' },
    walk: async (page) => {
      await tabTo(page, /button “Add a download”/)
      await press(page, 'Enter')
      const found = await expectFocus(page, /input “Address/, 'In the dialog')
      await page.keyboard.type('https://files.example/tool.zip')
      await press(page, 'Enter')
      await page.getByText('tool.zip is asked for').first().waitFor()
      return [...found, ...(await expectFocus(page, /button “Add a download”/, 'After the dialog'))]
    }
  },
  {
    name: 'events are filtered, exported',
    query: { fixture: 'everyday', view: 'events' },
    walk: async (page) => {
      await tabTo(page, /button “Export”/)
      await press(page, 'Enter')
      const found = await expectFocus(page, /menuitem “As JSON”/, 'When the menu is open')
      await press(page, 'ArrowDown', 'Enter')
      await page.getByText('larder-events.csv is saved').first().waitFor()
      return [...found, ...(await expectFocus(page, /button “Export”/, 'After exporting'))]
    }
  }
]
