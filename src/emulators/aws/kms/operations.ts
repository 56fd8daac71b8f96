import { cryptoOperations } from './crypto-operations.ts'
import { labelOperations } from './label-operations.ts'
import { lifecycleOperations } from './lifecycle-operations.ts'
import type { Operation } from './operation.ts'
import { policyOperations } from './policy-operations.ts'
import { unmodelledOperations } from './unmodelled-operations.ts'

const operations = new Map<string, Operation>(
  [cryptoOperations, lifecycleOperations, policyOperations, labelOperations, unmodelledOperations].flatMap(
    (table) => Object.entries(table),
  ),
)

/** The operation that `X-Amz-Target: TrentService.<name>` asks for. */
export function findOperation(name: string): Operation | undefined {
  return operations.get(name)
}
