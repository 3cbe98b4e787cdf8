import { builtinModules } from 'node:module'
import type { Plugin } from 'vite'

const names = [...builtinModules, ...builtinModules.map((name) => `node:${name}`)]
const IMPORT = new RegExp(`\\bimport\\s*([^'";()]+?)\\s*from\\s*["']((?:${names.join('|')}))["'];?`, 'g')

/**
 * Takes what a bundle imports from Node by `process.getBuiltinModule`. An `import` of a module of Node reads each of its exports, among them some that are
 * only made when they are read: `import 'node:http'` loads all of `fetch` and WebSocket, 5 MiB and a third of the time that a command takes.
 */
export const builtinsByNeed: Plugin = {
  name: 'larder-builtins-by-need',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = byNeed(file.code)
  }
}

/** @param code of one module, with all imports at its top level */
export function byNeed(code: string): string {
  return code.replaceAll(IMPORT, (_, clause: string, name: string) => {
    const from = `process.getBuiltinModule(${JSON.stringify(name)})`
    const [, whole, named] = /^(?:\*\s*as\s+)?([\w$]+)?\s*,?\s*(\{[^}]*\})?$/.exec(clause.trim()) ?? []
    const bindings = named?.replaceAll(/\b([\w$]+)\s+as\s+([\w$]+)/g, '$1: $2')
    if (!whole && !bindings) throw new Error(`cannot be rewritten: import ${clause} from ${name}`)
    return [whole && `const ${whole} = ${from};`, bindings && `const ${bindings} = ${whole ?? from};`]
      .filter(Boolean)
      .join('')
  })
}
