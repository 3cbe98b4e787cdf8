const product = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,40})(\/\S*)?$/

/**
 * What a program calls itself in its User-Agent (RFC 9110, 10.1.5): the first product with a version, or else the first. What speaks
 * like a browser begins with `Mozilla`; there the last product says more (`Mozilla/5.0 (…) WindowsPowerShell/5.1`).
 * @returns null when it says nothing usable
 */
export function programName(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent.length > 1000) return null
  const products = withoutComments(userAgent)
    .split(/\s+/)
    .flatMap((word) => {
      const [, name, version] = product.exec(word) ?? []
      return name === undefined ? [] : [{ name, version }]
    })
  const first = products.find(({ version }) => version !== undefined) ?? products[0]
  return (first?.name === 'Mozilla' ? products.at(-1) : first)?.name ?? null
}

/** Comments stand in parentheses and may be nested. */
function withoutComments(text: string): string {
  let depth = 0
  let plain = ''
  for (const char of text) {
    if (char === '(') depth++
    if (depth === 0) plain += char
    if (char === ')' && depth > 0) {
      depth--
      plain += ' '
    }
  }
  return plain
}
