import { AxeBuilder } from '@axe-core/playwright'
import { expect, test, untilRunning } from './fixture.ts'

const views = ['Overview', 'Downloads', 'Site', 'Cache', 'Events', 'Settings']

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every view of the running application meets WCAG 2.2 AA, in ${colorScheme}, and keeps to the page's policy`, async ({
    app,
    ui,
    origin
  }) => {
    await untilRunning(app)
    const said: string[] = []
    ui.on('console', (message) => void (['error', 'warning'].includes(message.type()) && said.push(message.text())))
    await ui.emulateMedia({ colorScheme })
    const url = origin.put('/a.bin', { generate: { bytes: 100_000, seed: 1 } })
    await ui.evaluate((asked) => window.larder.invoke({ c: 'request.start', spec: { url: asked } }), url)
    await ui.evaluate(
      (asked) => window.larder.invoke({ c: 'request.start', spec: { url: asked } }),
      `${origin.url}/missing`
    )
    for (const view of views) {
      await ui.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: view }).click()
      await expect(ui.locator(`main[aria-label="${view}"] h1`)).toBeVisible()
      // Legacy: the other way opens a window of its own, which is refused here. The elements left out are where Fluent UI
      // catches the focus at the ends of a group and passes it on; nobody ever stays on one.
      const { violations } = await new AxeBuilder({ page: ui })
        .setLegacyMode()
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
        .exclude('[data-tabster-dummy]')
        .analyze()
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
        view
      ).toEqual([])
    }
    expect(said).toEqual([])
  })
}
