import { compileOperations } from '../policy/operations/operation-index.ts'
import type { DecisionBundle } from '../wire/decision.ts'
import { areDefaults, defaultPolicies } from './default-policies.ts'
import { type CedarReading, readCedar } from './load-cedar.ts'
import type { OperationActions } from './schema.ts'

/** A bundle whose Cedar has not changed, or has changed back, is not read again. */
const MAX_KEPT = 4
const kept = new Map<string, CedarReading>()

/**
 * The Cedar policies of a bundle; the platform's own where it has none.
 *
 * @throws SekishoError CONFIG_INVALID when Cedar's library breaks; other problems are in the reading
 */
export async function readBundleCedar(
  files: ReadonlyMap<string, string>,
  { operations }: Pick<DecisionBundle, 'operations'>,
): Promise<CedarReading> {
  const texts = new Map([...files].filter(([path]) => path.endsWith('.cedar')))
  if (areDefaults(texts)) return defaultPolicies()
  const key = JSON.stringify([[...texts], operations])
  const known = kept.get(key)
  if (known !== undefined) return known
  const reading = await readCedar(texts, actionsOf(operations))
  kept.set(key, reading)
  const [oldest] = kept.keys()
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
  return reading
}

export function actionsOf(operations: DecisionBundle['operations']): OperationActions {
  const index = compileOperations(operations)
  return new Map(
    operations.flatMap(({ id }) => {
      const compiled = index.get(id)
      return compiled === undefined ? [] : [[`tool.call/${id}`, compiled.cedarAction] as const]
    }),
  )
}
