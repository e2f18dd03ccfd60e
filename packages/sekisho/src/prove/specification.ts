import { type Consequence, type Effect, type Reversibility } from '../core/label.ts'
import type { ApprovalKind } from '../core/label.ts'
import type { Scene } from './scene.ts'
import type { Symbolic, SymbolicRecord } from './symbolic.ts'
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
      ),
      negate({ kind: 'granted' }),
    ),
  },
]

/** A statement about a request as one principal's policies see it. */
export function encodeStatement(statement: Statement, scene: Scene): Term {
  switch (statement.kind) {
    case 'not':
      return not(encodeStatement(statement.of, scene))
    case 'all':
      return and(...statement.of.map((each) => encodeStatement(each, scene)))
    case 'any':
      return or(...statement.of.map((each) => encodeStatement(each, scene)))
    case 'principal':
    case 'disabled':
    case 'action':
      return aboutWho(statement, scene)
    case 'word':
    case 'member':
    case 'empty':
    case 'granted':
      return aboutFacts(statement, scene)
  }
}

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>

function aboutWho(statement: Of<'principal' | 'disabled' | 'action'>, scene: Scene): Term {
  const { principal, action } = scene.bindings
  if (principal.kind !== 'entity' || action.kind !== 'entity') return FALSE
  switch (statement.kind) {
    case 'principal':
      return bool(principal.type === statement.type)
    case 'disabled': {
      const enabled = scene.world.attribute(principal, 'enabled', scene.types)?.value
      return enabled?.kind === 'bool' ? not(enabled.term) : FALSE
    }
    case 'action': {
      const id = action.id.kind === 'string' ? action.id.value : ''
      const ancestors = scene.types.actions.get(id)?.ancestors
      return bool(id === statement.in || ancestors?.has(statement.in) === true)
    }
  }
}

function aboutFacts(statement: Of<'word' | 'member' | 'empty' | 'granted'>, scene: Scene): Term {
  const facts = recordOf(scene.bindings.context)?.field('facts')?.value
  const record = recordOf(facts)
  const name = statement.kind === 'granted' ? 'granted' : statement.fact
  const value = record?.field(name)?.value
  // an action without facts is none that a statement about facts can speak of
  if (value === undefined) return FALSE
  if (statement.kind === 'granted') return value.kind === 'bool' ? value.term : FALSE
  if (statement.kind === 'word') {
    return value.kind === 'string' ? equal(value.term, string(statement.is)) : FALSE
  }
  if (value.kind !== 'set') return FALSE
  const { sets } = scene.world
  if (statement.kind === 'empty') return sets.isEmpty(value.set)
  return sets.contains(value.set, { kind: 'string', term: string(statement.has) })
}

function recordOf(value: Symbolic | undefined): SymbolicRecord | undefined {
  return value?.kind === 'record' ? value.record : undefined
}
