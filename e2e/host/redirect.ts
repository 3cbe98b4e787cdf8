import { registerHooks } from 'node:module'

const standIn = new URL('./electron.ts', import.meta.url).href

/** From here on `electron` is the stand-in, for import and require alike, in the app and in Playwright's loader. */
registerHooks({
  resolve: (specifier, context, next) =>
    /^electron(\/(main|common))?$/.test(specifier) ? { url: standIn, shortCircuit: true } : next(specifier, context)
})
