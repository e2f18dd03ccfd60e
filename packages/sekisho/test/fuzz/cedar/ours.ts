import { compileCedar, type CedarEngine } from '../../../src/policy/cedar/engine.ts'
import { type CedarEntity, entityStore } from '../../../src/policy/cedar/entities.ts'
import { Fault } from '../../../src/policy/cedar/value.ts'
import { recordOfJson } from '../../../src/policy/cedar/value-json.ts'
import type { CedarPolicy } from '../../../src/wire/cedar.ts'
import type { Answer } from './oracle.ts'
import type { TripleEntity, TripleRequest } from './triple.ts'

export type Compile = (policies: readonly CedarPolicy[]) => Pick<CedarEngine, 'decide' | 'mentions'>

/**
 * Our own answers. Entities lie in two layers, as they do for a request: those before `layer` over
 * the others.
 */
export function askUsAbout(
  policies: readonly CedarPolicy[],
  entities: readonly TripleEntity[],
  { layer, compile = compileCedar }: { layer: number; compile?: Compile | undefined },
): (request: TripleRequest) => Answer {
  const engine = compile(policies)
  const read = entities.map(readEntity)
  if (!read.every((entity) => entity !== null)) return () => 'refused'
  const store = entityStore(read.slice(0, layer), entityStore(read.slice(layer)))
  return ({ context, ...uids }) => {
    const record = recordOfJson(context)
    if (record instanceof Fault) return 'refused'
    const { decision, determining, errors } = engine.decide({ ...uids, context: record }, store)
    return {
      decision,
      determining: [...determining].sort(),
      erred: errors.map(({ id }) => id).sort(),
    }
  }
}

function readEntity({ uid, parents, ...json }: TripleEntity): CedarEntity | null {
  const [attrs, tags] = [recordOfJson(json.attrs), recordOfJson(json.tags)]
  return attrs instanceof Fault || tags instanceof Fault ? null : { uid, parents, attrs, tags }
}
