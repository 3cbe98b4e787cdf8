import type { LarderBridge } from '../src-main/contract/commands.ts'

/*
 * What the tests and the test host touch inside a page. The DOM's own types cannot be had beside Node's (their web crypto
 * contradicts), and a few lines of test do not need them.
 */
/* oxlint-disable typescript/no-explicit-any */
declare global {
  // In the page; `globalThis` is the window there.
  var larder: LarderBridge
  const window: Record<string, any> & { readonly larder: LarderBridge }
  const document: any
  class CustomEvent {
    constructor(name: string, options?: { detail: unknown })
    readonly detail: any
    stopImmediatePropagation(): void
  }
}
