import { cleanup, configure } from '@testing-library/react'
import { afterEach } from 'vitest'

// Layout is not computed here: every element gets the size of a window, a row of a list 50 px, so that virtual lists draw their first rows.
const size = { width: 1000, height: 700 }
for (const name of ['offsetHeight', 'clientHeight', 'scrollHeight'] as const)
  Object.defineProperty(HTMLElement.prototype, name, {
    configurable: true,
    get(this: HTMLElement) {
      return this.hasAttribute('data-index') ? 50 : size.height
    }
  })
for (const name of ['offsetWidth', 'clientWidth'] as const)
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size.width })
// Charts are drawn on a canvas, which is not there.
HTMLCanvasElement.prototype.getContext = (() =>
  new Proxy(
    {},
    { get: (_, name) => (name === 'measureText' ? () => ({ width: 10 }) : () => undefined), set: () => true }
  )) as never
globalThis.Path2D ??= class {
  moveTo() {}
  lineTo() {}
  closePath() {}
  rect() {}
  addPath() {}
  arc() {}
} as never

// Without it Fluent shows and hides at once, as it does where motion is not wanted.
Element.prototype.animate = undefined as never

// Styles are not looked at here, and working them out for every query by role takes most of the time of a test.
const inline = new Set(['SPAN', 'STRONG', 'TIME', 'CODE', 'A', 'BUTTON', 'LABEL', 'I', 'INPUT', 'SVG'])
globalThis.getComputedStyle = window.getComputedStyle = ((element: Element) => ({
  display: inline.has(element.tagName.toUpperCase()) ? 'inline' : 'block',
  visibility: 'visible',
  fontSize: '16px',
  fontFamily: 'sans-serif',
  getPropertyValue: () => ''
})) as never
// What is waited for comes when the machine gets to it; the one second of the library is a figure about the machine.
configure({ defaultHidden: true, asyncUtilTimeout: 15_000 })

afterEach(cleanup)
