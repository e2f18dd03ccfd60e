import type { Action } from '../../core/action.ts'
import { CLEAN } from '../../core/label.ts'
import { deny, type Verdict } from '../../core/verdict.ts'
import type { Decider } from '../../flow/ports.ts'
import { type CedarRecord, type CedarValue } from '../../policy/cedar/value.ts'
import { entityStore } from '../../policy/cedar/entities.ts'
import { factsRecord, uidOf } from '../../policy/decision/cedar-context.ts'
import type { Classified } from '../../policy/decision/classify.ts'
import type { CompiledBundle } from '../../policy/decision/compiled-bundle.ts'
import { NO_FACTS } from '../../core/facts.ts'

/** What a restore is allowed by, and where Cedar does not permit it refused by. */
const RESTORE = 'admin.restore'

const CHANGES: Classified = {
  effect: 'external',
  reversibility: 'externally_reversible',
  consequence: 'low',
}
const READS: Classified = { effect: 'read', reversibility: 'read_only', consequence: 'low' }

/**
 * What decides the requests of a restore: the bundle's own word on `admin.restore`, asked for the
 * operator who has begun it. What the agent file grants counts for the agent and not for them.
 */
export function operatorRules(bundle: CompiledBundle, uid: number, now: () => number): Decider {
  return {
    generation: bundle.generation,
    digest: bundle.digest,
    decide: (action) => decideRestore(action, { bundle, uid, nowMs: now() }),
    optionsFor: () => ({}),
    readOperation: () => null,
    mandateFor: () => undefined,
    amountsFor: () => null,
    describe: (action) => ({
      user: bundle.userOf(uid).name,
      label: CLEAN,
      effect: classify(action).effect,
    }),
  }
}

function decideRestore(
  action: Action,
  { bundle, uid, nowMs }: { bundle: CompiledBundle; uid: number; nowMs: number },
): Verdict {
  if (action.kind !== 'http.request') return deny(RESTORE, 'a restore makes requests only')
  const { name, groups, enabled } = bundle.userOf(uid)
  if (!enabled) return deny(RESTORE, `${name} is disabled`)
  const operator = uidOf('Operator', name)
  const parents = groups.map((group) => uidOf('Group', group))
  const facts = factsRecord({ facts: NO_FACTS, classified: classify(action), grants: [], nowMs })
  const context: CedarRecord = new Map<string, CedarValue>([['facts', facts]])
  const answer = bundle.engine.decide(
    {
      principal: operator,
      action: uidOf('Action', RESTORE),
      resource: uidOf('Platform', 'sekisho'),
      context,
    },
    entityStore([{ uid: operator, parents }], bundle.actions),
  )
  const broken = answer.errors.some(({ id }) => id.startsWith('invariant.'))
  if (answer.decision === 'allow' && !broken) return { kind: 'allow', rules: [RESTORE] }
  return deny(RESTORE, `no policy permits ${RESTORE} to ${name}`)
}

function classify(action: Action): Classified {
  return action.kind === 'http.request' && action.method === 'GET' ? READS : CHANGES
}
