import type { Operation } from './operation.ts'
import type { OperationName } from './operations.ts'

const groups = {
  requests: async () => (await import('./requests.ts')).requestOperations,
  cache: async () => (await import('./cache.ts')).cacheOperations,
  precache: async () => (await import('./precache.ts')).precacheOperations,
  agent: async () => (await import('./agent.ts')).agentOperations,
  settings: async () => (await import('./settings.ts')).settingsOperations,
  window: async () => (await import('./window.ts')).windowOperations
} satisfies Record<string, () => Promise<Readonly<Record<string, Operation>>>>

/** By the first part of a name; what is not named is in `agent`. */
const groupOf: Readonly<Record<string, keyof typeof groups>> = {
  request: 'requests',
  cache: 'cache',
  transfer: 'cache',
  precache: 'precache',
  integration: 'settings',
  settings: 'settings',
  log: 'settings',
  ui: 'settings',
  snapshot: 'window',
  app: 'window',
  shell: 'window'
}

/** The row of one operation, loaded with those like it alone: a command that asks one thing makes no schema for all others. */
export async function loadOperation(name: OperationName): Promise<Operation> {
  const group: Readonly<Record<string, Operation>> = await groups[groupOf[name.split('.')[0]!] ?? 'agent']()
  return group[name] ?? (await import('./operations.ts')).operationOf(name)
}
