/** An element with its attributes and what is in it, each child in a line of its own. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: string[]
): string {
  const head = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join('')
  if (children.length === 0) return `<${name}${head} />`
  return `<${name}${head}>\n${children.join('\n').replace(/^(?=.)/gm, '  ')}\n</${name}>`
}

/** An element with text alone in it. */
export function textElement(name: string, attributes: Readonly<Record<string, string | number>>, text: string): string {
  return element(name, attributes).replace(/ \/>$/, `>${escaped(text)}</${name}>`)
}

/** Characters that XML 1.0 has no form for are left out. */
export function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
