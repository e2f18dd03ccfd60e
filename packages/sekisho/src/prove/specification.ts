import type { ApprovalKind, Consequence, Effect, Reversibility } from '../core/label.ts'
import type { Scene } from './scene.ts'
import type { Symbolic, SymbolicSet } from './symbolic.ts'
import { and, bool, equal, FALSE, not, or, string, type Term } from './term.ts'

/** What may be said of a request, apart from any policy. */
export type Statement =
  | { kind: 'word'; fact: string; is: string }
  | { kind: 'member'; fact: string; has: string }
  | { kind: 'empty'; fact: string }
  | { kind: 'principal'; type: string }
  | { kind: 'disabled' }
  /** id of an action that it is in, or is */
  | { kind: 'action'; in: string }
  | { kind: 'granted' }
  | { kind: 'not'; of: Statement }
  | { kind: 'all' | 'any'; of: readonly Statement[] }

/** That no request of which a statement holds is ever allowed. */
export type Specification = { id: string; title: string; never: Statement }

const approved = (has: ApprovalKind): Statement => ({ kind: 'member', fact: 'approvals', has })
const effect = (is: Effect): Statement => ({ kind: 'word', fact: 'effect', is })
const reversibility = (is: Reversibility): Statement => ({
  kind: 'word',
  fact: 'reversibility',
  is,
})
const consequence = (is: Consequence): Statement => ({ kind: 'word', fact: 'consequence', is })
const negate = (of: Statement): Statement => ({ kind: 'not', of })
const all = (...of: readonly Statement[]): Statement => ({ kind: 'all', of })
const any = (...of: readonly Statement[]): Statement => ({ kind: 'any', of })

/**
 * What the platform promises of every decision (controls 9.1.2, 9.9.1, 9.9.2, N2, N3), written down
 * apart from the invariants of `policy/invariants/`, so that a proof compares two things.
 */
export const SPECIFICATIONS: readonly Specification[] = [
  {
    id: 'irreversible',
    title: 'what nobody can take back outside has somebody’s yes',
    never: all(
      reversibility('irreversible'),
      effect('external'),
      negate(any(approved('initiator'), approved('approver'))),
    ),
  },
  {
    id: 'critical',
    title: 'what is critical outside has the yes of who began it and of who answers for it',
    never: all(
      consequence('critical'),
      effect('external'),
      negate(all(approved('initiator'), approved('approver'))),
    ),
  },
  {
    id: 'unconfirmed',
    title: 'where an action strikes is chosen or confirmed by the user',
    never: all(negate({ kind: 'empty', fact: 'unconfirmed' }), negate(approved('initiator'))),
  },
  {
    id: 'secret-flow',
    title: 'what is secret is told to nobody outside',
    never: all({ kind: 'word', fact: 'confidentiality', is: 'secret' }, effect('external')),
  },
  {
    id: 'administration',
    title: 'a session does not administer the platform',
    never: all({ kind: 'principal', type: 'Sekisho::Session' }, { kind: 'action', in: 'admin' }),
  },
  {
    id: 'user-disabled',
    title: 'nothing is done for a user who is disabled',
    never: all({ kind: 'principal', type: 'Sekisho::User' }, { kind: 'disabled' }),
  },
  {
    id: 'grants',
    title: 'nothing goes beyond what the agent file grants',
    never: all(
      { kind: 'principal', type: 'Sekisho::Session' },
      any(
        { kind: 'action', in: 'http.request' },
        { kind: 'action', in: 'net.connect' },
        { kind: 'action', in: 'dns.resolve' },
        { kind: 'action', in: 'llm.generate' },
        { kind: 'action', in: 'llm.tool-call' },
      ),
      negate({ kind: 'granted' }),
    ),
  },
]

/** A statement about a request as one principal's policies see it. */
export function encodeStatement(statement: Statement, scene: Scene): Term {
  if (statement.kind === 'not') return not(encodeStatement(statement.of, scene))
  if ('of' in statement) {
    const join = statement.kind === 'all' ? and : or
    return join(...statement.of.map((each) => encodeStatement(each, scene)))
  }
  return isAboutFact(statement) ? aboutFact(statement, scene) : aboutWho(statement, scene)
}

function isAboutFact(statement: Statement): statement is AboutFact {
  return ['word', 'member', 'empty', 'granted'].includes(statement.kind)
}

function aboutWho(
  statement: Extract<Statement, { kind: 'principal' | 'disabled' | 'action' }>,
  scene: Scene,
): Term {
  switch (statement.kind) {
    case 'principal':
      return bool(principalType(scene) === statement.type)
    case 'disabled':
      return isDisabled(scene)
    case 'action':
      return bool(isAction(statement.in, scene))
  }
}

function principalType({ bindings: { principal } }: Scene): string | undefined {
  return principal.kind === 'entity' ? principal.type : undefined
}

function isDisabled({ bindings: { principal }, world, types }: Scene): Term {
  const enabled =
    principal.kind === 'entity' ? world.attribute(principal, 'enabled', types)?.value : undefined
  return enabled?.kind === 'bool' ? not(enabled.term) : FALSE
}

function isAction(group: string, { bindings: { action }, types }: Scene): boolean {
  const id = action.kind === 'entity' && action.id.kind === 'string' ? action.id.value : ''
  return id === group || types.actions.get(id)?.ancestors.has(group) === true
}

type AboutFact = Extract<Statement, { kind: 'word' | 'member' | 'empty' | 'granted' }>

/** Of an action that has no such fact, a statement about it is not true. */
function aboutFact(statement: AboutFact, scene: Scene): Term {
  const name = statement.kind === 'granted' ? 'granted' : statement.fact
  const value = fieldOf(fieldOf(scene.bindings.context, 'facts'), name)
  if (value?.kind === 'bool') return statement.kind === 'granted' ? value.term : FALSE
  if (value?.kind === 'string') {
    return statement.kind === 'word' ? equal(value.term, string(statement.is)) : FALSE
  }
  return value?.kind === 'set' ? aboutSet(statement, value.set, scene) : FALSE
}

function aboutSet(statement: AboutFact, set: SymbolicSet, { world }: Scene): Term {
  if (statement.kind === 'empty') return world.sets.isEmpty(set)
  if (statement.kind !== 'member') return FALSE
  return world.sets.contains(set, { kind: 'string', term: string(statement.has) })
}

function fieldOf(value: Symbolic | undefined, name: string): Symbolic | undefined {
  return value?.kind === 'record' ? value.record.field(name)?.value : undefined
}
