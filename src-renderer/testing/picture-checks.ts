import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'

/** Where Tabster, Fluent's focus library, catches Tab at the ends of the page: it hands the focus on at once, so nobody lands there. */
export const TABSTER_STOPS = '[data-tabster-dummy]'

/** Texts that are cut without an ellipsis, and anything wider than the window. */
export async function cutTexts(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = []
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const style = getComputedStyle(element)
      const box = element.getBoundingClientRect()
      if (box.width === 0 || box.height < 4 || style.visibility === 'hidden' || style.clipPath !== 'none') continue
      const own = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== ''
      )
      if (!own) continue
      const text = element.textContent!.trim().slice(0, 50)
      if (
        style.overflowX === 'hidden' &&
        style.textOverflow !== 'ellipsis' &&
        style.webkitLineClamp === 'none' &&
        element.scrollWidth > element.clientWidth + 1
      )
        found.push(`cut: ${text}`)
      if (box.right > innerWidth + 1 || box.left < -1) found.push(`outside: ${text}`)
    }
    const scroller = document.querySelector('main > :last-child')
    if (scroller !== null && scroller.scrollWidth > scroller.clientWidth + 1)
      found.push(`main is ${scroller.scrollWidth - scroller.clientWidth} px too wide`)
    return found
  })
}

/** What axe finds against WCAG and its own best practices, a line each. */
export async function axeFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).exclude(TABSTER_STOPS).analyze()
  return violations.map(
    ({ id, nodes }) =>
      `axe ${id} (${nodes.length}): ${nodes[0]?.html.slice(0, 160)} ${nodes[0]?.failureSummary?.split('\n')[1] ?? ''}`
  )
}

/** What still moves although the person wants no motion. */
export async function motion(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    document
      .getAnimations()
      .filter(
        (animation) =>
          animation.playState === 'running' && Number(animation.effect?.getComputedTiming().activeDuration) > 50
      )
      .map((animation) => `moves: ${(animation.effect as KeyframeEffect | null)?.target?.className ?? '?'}`)
  )
}
