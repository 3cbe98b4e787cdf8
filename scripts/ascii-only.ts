import type { Plugin } from 'vite'

/**
 * Writes every character of a bundle that is not ASCII as an escape. V8 keeps a file in one byte for each character if it can and in two
 * if a single one needs them.
 */
export const asciiOnly: Plugin = {
  name: 'larder-ascii-only',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = escaped(file.code)
  }
}

/** An escape means the same wherever such characters occur in code: strings, templates, patterns, names. Not in `String.raw`. */
export function escaped(code: string): string {
  // oxlint-disable-next-line no-control-regex -- all that is not ASCII
  return code.replaceAll(/[^\x00-\x7f]/g, (unit) =>
    Array.from({ length: unit.length }, (_, i) => `\\u${unit.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
  )
}
