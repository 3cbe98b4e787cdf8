import type { Page } from '@playwright/test'
import axe, { type AxeResults, type RunOptions } from 'axe-core'
import { expect, test, untilRunning } from './fixture.ts'

const views = ['Overview', 'Downloads', 'Site', 'Cache', 'Events', 'Settings']
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
/** The rules of axe that look at colours; all others see the same page in either scheme. */
const OF_COLOUR = ['color-contrast', 'link-in-text-block']

test("every view of the running application meets WCAG 2.2 AA, in light and in dark, and keeps to the page's policy", async ({
  app,
  ui,
  origin
}) => {
  await untilRunning(app)
  const said: string[] = []
  ui.on('console', (message) => void (['error', 'warning'].includes(message.type()) && said.push(message.text())))
  const url = origin.put('/a.bin', { generate: { bytes: 100_000, seed: 1 } })
  await ui.evaluate((asked) => window.larder.invoke({ c: 'request.start', spec: { url: asked } }), url)
  await ui.evaluate(
    (asked) => window.larder.invoke({ c: 'request.start', spec: { url: asked } }),
    `${origin.url}/missing`
  )
  for (const view of views) {
    await ui.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: view }).click()
    await expect(ui.locator(`main[aria-label="${view}"] h1`)).toBeVisible()
    await expectNoViolations(ui, view)
  }
  await ui.getByRole('gridcell', { name: 'Monday, 08:00' }).focus()
  await ui.keyboard.press('Space')
  await ui.keyboard.press('Shift+ArrowRight')
  await expect(ui.getByText('Monday, 08:00 to 10:00', { exact: true })).toBeVisible()
  await expectNoViolations(ui, 'a schedule being painted')
  await ui.keyboard.press('Escape')
  await ui.getByRole('button', { name: 'Finding peers' }).click()
  const subnets = ui.getByRole('textbox', { name: 'Add to Inhibited subnets' })
  await subnets.fill('10.20.0.0/16')
  await subnets.press('Enter')
  await subnets.fill('10.20.0.0/99')
  await subnets.press('Enter')
  await expect(ui.getByText(/expected a subnet/)).toBeVisible()
  await expectNoViolations(ui, 'a section of the settings with a list being edited')
  await ui.getByRole('searchbox', { name: 'Search settings' }).fill('bandwidth')
  await expect(ui.getByRole('heading', { name: 'Speed limits' })).toBeVisible()
  await expectNoViolations(ui, 'settings that were searched for')
  expect(said).toEqual([])
})

/** In both schemes, which the page has drawn by the time its background is the scheme's. */
async function expectNoViolations(page: Page, what: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' })
  await expect.poll(() => lightnessOf(page)).toBeGreaterThan(0.8)
  expect(await violationsOn(page, { type: 'tag', values: WCAG }), `${what}, light`).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark' })
  await expect.poll(() => lightnessOf(page)).toBeLessThan(0.3)
  expect(await violationsOn(page, { type: 'rule', values: OF_COLOUR }), `${what}, dark`).toEqual([])
}

/** Red of what lies behind the view, 0 to 1; written as `rgb(250, …)` or `color(srgb 0.98 …)`. */
function lightnessOf(page: Page): Promise<number> {
  return page.locator('main').evaluate((main) => {
    for (let at = main; at; at = at.parentElement) {
      const colour = window.getComputedStyle(at).backgroundColor as string
      const [red = 0, , , alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number)
      if (alpha > 0) return colour.startsWith('rgb') ? red / 255 : red
    }
    return 1
  })
}

/**
 * A line for each finding of axe, once no colour is on its way to another. Axe stays in the page, and so does what it found in
 * order: both are megabytes.
 */
async function violationsOn(page: Page, runOnly: RunOptions['runOnly']): Promise<string[]> {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(axe.source)
  return page.evaluate(async (only) => {
    const onTheWay = (): { finished: Promise<unknown> }[] =>
      document.getAnimations().filter((animation: object) => animation instanceof window.CSSTransition)
    // One that is replaced by another is told as a failure.
    while (onTheWay().length > 0) await Promise.allSettled(onTheWay().map(({ finished }) => finished))
    const { violations } = (await window.axe.run(
      // Where Fluent UI catches the focus at the ends of a group and passes it on; nobody ever stays on one.
      { exclude: [['[data-tabster-dummy]']] },
      { runOnly: only, resultTypes: ['violations'] }
    )) as AxeResults
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
  }, runOnly)
}
