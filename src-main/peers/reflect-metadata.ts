/**
 * The three `Reflect` metadata functions of the `reflect-metadata` proposal, as far as the dependency injection inside
 * `@peculiar/x509` asks for them at import. Keys of one target only: no lookup along the prototype chain, none is needed
 * for classes without injected parameters. A complete implementation that is already there is left alone.
 */
interface MetadataReflect {
  getMetadata?: (key: unknown, target: object) => unknown
  getOwnMetadata?: (key: unknown, target: object) => unknown
  defineMetadata?: (key: unknown, value: unknown, target: object) => void
}

export function provideReflectMetadata(): void {
  const reflect = Reflect as MetadataReflect
  if (reflect.getMetadata) return
  const known = new WeakMap<object, Map<unknown, unknown>>()
  const get = (key: unknown, target: object) => known.get(target)?.get(key)
  reflect.getMetadata = get
  reflect.getOwnMetadata = get
  reflect.defineMetadata = (key, value, target) => {
    const entries = known.get(target) ?? new Map<unknown, unknown>()
    known.set(target, entries.set(key, value))
  }
}
