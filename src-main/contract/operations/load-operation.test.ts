import { expect, test } from 'vitest'
import { loadOperation } from './load-operation.ts'
import { operations, type OperationName } from './operations.ts'

test('finds every operation of the table', async () => {
  for (const [name, operation] of Object.entries(operations))
    expect(await loadOperation(name as OperationName), name).toBe(operation)
})
