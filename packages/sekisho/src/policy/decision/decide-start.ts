import { type Deny, deny, type Verdict } from '../../core/verdict.ts'
import { entityStore } from '../cedar/entities.ts'
import { factsRecord, uidOf } from './cedar-context.ts'
import type { CompiledBundle } from './compiled-bundle.ts'
import { NO_FACTS } from '../../core/facts.ts'

/** Of a start that no policy permits. */
const RULE = 'policy.not-permitted'

/**
 * Whether a user may begin a session of an agent: `session.start` of the schema, asked for the user
 * alone, since there is no session yet. Nobody waits here: what an approval could allow is denied.
 *
 * @param asked.nowMs Unix ms
 */
export function decideStart(
  bundle: CompiledBundle,
  asked: { agent: string; uid: number; nowMs: number },
): Verdict {
  const { name, groups, enabled } = bundle.userOf(asked.uid)
  const principal = uidOf('User', name)
  const entities = entityStore(
    [
      {
        uid: principal,
        parents: groups.map((group) => uidOf('Group', group)),
        attrs: new Map([['enabled', enabled]]),
      },
    ],
    bundle.actions,
  )
  const facts = factsRecord({
    facts: NO_FACTS,
    classified: { effect: 'none', reversibility: 'reversible', consequence: 'low' },
    grants: [asked.agent],
    nowMs: asked.nowMs,
  })
  const request = {
    principal,
    action: uidOf('Action', 'session.start'),
    resource: uidOf('Agent', asked.agent),
    context: new Map([['facts', facts]]),
  }
  const { decision, determining, errors } = bundle.engine.decide(request, entities)
  const broken = errors.find(({ id }) => id.startsWith('invariant.'))
  if (broken !== undefined) return deny('invariant.undecidable', `${broken.id} has no answer`)
  if (decision === 'allow') return { kind: 'allow', rules: determining }
  return refuse(determining, bundle, { user: name, agent: asked.agent })
}

function refuse(
  rules: readonly string[],
  bundle: CompiledBundle,
  { user, agent }: { user: string; agent: string },
): Deny {
  const [first] = rules
  if (first === undefined) {
    return deny(RULE, `no policy permits ${user} to begin a session of ${agent}`)
  }
  const why = bundle.reasonOf(first) ?? first
  return { kind: 'deny', rules, reason: `${user} may begin no session of ${agent}: ${why}` }
}
