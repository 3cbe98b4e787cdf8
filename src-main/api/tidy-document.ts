/** As far as it is read here. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly components?: { schemas?: Record<string, unknown> }
}

type Json = { [name: string]: unknown }
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

/** The document as generators of clients take it: the properties of records with fixed names spelt out, and no schema that nothing refers to. */
export function tidied(document: OpenApiDocument): OpenApiDocument {
  const spelt = withProperties(document) as OpenApiDocument
  const schemas = spelt.components?.schemas ?? {}
  // A schema that goes may have been the only one that named another.
  for (;;) {
    const text = JSON.stringify(spelt)
    const unused = Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`))
    if (unused.length === 0) return spelt
    for (const name of unused) delete schemas[name]
  }
}

/** `z.record` of an enum is written as required names and one schema for all of them; most generators read only `properties`. */
function withProperties(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withProperties)
  if (!isObject(value)) return value
  const all = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withProperties(part)]))
  const { propertyNames, additionalProperties, required, properties, ...rest } = all
  const names = isObject(propertyNames) ? propertyNames['enum'] : undefined
  if (!Array.isArray(names) || !isObject(additionalProperties) || properties !== undefined) return all
  return {
    ...rest,
    ...(required !== undefined && { required }),
    properties: Object.fromEntries(names.map((name: string) => [name, additionalProperties])),
    additionalProperties: false
  }
}
