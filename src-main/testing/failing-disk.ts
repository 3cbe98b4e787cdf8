import type { FileHandle } from 'node:fs/promises'
import { systemDisk, type Disk } from '../placing/disk.ts'

/** What happens to one call: it fails with this code, or (writes only) takes no more than this many bytes. */
export type DiskFault = { readonly fails: string } | { readonly takes: number }

/** The disk of this machine, but `fault` is asked before each call: `write`, `sync`, `open`, `rename`, `link`, … Never shipped. */
export function failingDisk(fault: (call: string, path: string) => DiskFault | undefined): Disk {
  const check = (call: string, path: string): DiskFault | undefined => {
    const what = fault(call, path)
    if (what && 'fails' in what)
      throw Object.assign(new Error(`${what.fails}: made up`), { code: what.fails, syscall: call })
    return what
  }
  const wrapped = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          const what = check(String(name), path)
          if (name === 'write' && what && 'takes' in what) args[2] = Math.min(args[2] as number, what.takes)
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      }
    })
  return new Proxy(systemDisk, {
    get(target, name) {
      const value = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>
      return async (...args: unknown[]) => {
        check(String(name), String(args[0]))
        const result = await value(...args)
        return name === 'open' ? wrapped(result as FileHandle, String(args[0])) : result
      }
    }
  }) as Disk
}
