import type { PolicyRule } from '../wire/policy.ts'
import type { Frame } from './frame.ts'
import {
  grantConnect,
  grantName,
  grantRequest,
  type Grants,
  MAX_NAMED_RULES,
  type RequestPlace,
} from './grants.ts'
import { literalSet } from './platform-facts.ts'
import type { Scene } from './scene.ts'
import type { Symbolic, SymbolicRecord } from './symbolic.ts'
import { and, equal, FALSE, implies, int, string, type Term, TRUE, variable } from './term.ts'
import type { World } from './world.ts'

const GRANTED_ACTIONS: ReadonlySet<string> = new Set(['http.request', 'net.connect', 'dns.resolve'])

/** Granted by other parts of an agent file, of which nothing is said here: the same for both sides. */
const GRANTED_ELSEWHERE: ReadonlySet<string> = new Set(['llm.generate', 'llm.tool-call'])

/**
 * Puts what an agent file's rules grant into the context that policies see. Where the rules are not
 * given they are anything, the same for both sides.
 */
export function bindGrants(
  side: { name: string; rules: readonly PolicyRule[] | null },
  scene: Scene,
  frame: Frame,
): { scene: Scene; granted: Term } {
  const { context } = scene.bindings
  const facts = fieldOf(context, 'facts')
  const granted = fieldOf(facts, 'granted')
  const isGranted = GRANTED_ACTIONS.has(frame.action) || GRANTED_ELSEWHERE.has(frame.action)
  if (!isGranted || granted?.kind !== 'bool') return { scene, granted: TRUE }
  if (side.rules === null || GRANTED_ELSEWHERE.has(frame.action))
    return { scene, granted: granted.term }
  const grants = grantsFor(side.rules, frame, scene)
  const place = `${side.name}'s grants`
  nameRules(grants, place, scene.world)
  const boundFacts = withFields(facts, {
    granted: { kind: 'bool', term: grants.granted },
    grants: { kind: 'set', set: { kind: 'symbol', place } },
  })
  const connect = fieldOf(context, 'connect')
  const bound = withFields(context, {
    facts: boundFacts,
    ...(grants.scheme === undefined || connect === undefined
      ? {}
      : { connect: withFields(connect, { scheme: { kind: 'string', term: grants.scheme } }) }),
  })
  return {
    scene: { ...scene, bindings: { ...scene.bindings, context: bound } },
    granted: grants.granted,
  }
}

/** That rules let a request through, wherever it is asked about. */
export function grantedBy(rules: readonly PolicyRule[], frame: Frame, scene: Scene): Term {
  return GRANTED_ACTIONS.has(frame.action) ? grantsFor(rules, frame, scene).granted : TRUE
}

function grantsFor(rules: readonly PolicyRule[], frame: Frame, scene: Scene): Grants {
  const place = placeOf(scene)
  if (frame.action === 'dns.resolve') return grantName(rules, place)
  if (frame.action === 'http.request') return grantRequest(rules, place)
  const connect = fieldOf(scene.bindings.context, 'connect')
  const grants = grantConnect(rules, place)
  const isTcp = equal(termOf(fieldOf(connect, 'transport'), string('tcp')), string('tcp'))
  return { ...grants, granted: and(isTcp, grants.granted) }
}

function placeOf({ bindings }: Scene): RequestPlace {
  const { context, resource } = bindings
  const own = fieldOf(context, 'http') ?? fieldOf(context, 'connect')
  const facts = fieldOf(context, 'facts')
  const text = (name: string): Term => termOf(fieldOf(own, name), string(''))
  return {
    host: resource.kind === 'entity' ? resource.id : string(''),
    scheme: text('scheme'),
    port: termOf(fieldOf(own, 'port'), int(0)),
    method: text('method'),
    path: text('path'),
    loosePath: variable('context.http.path as loosely read', 'String'),
    isUpgrade: termOf(fieldOf(own, 'upgrade'), FALSE),
    now: termOf(fieldOf(facts, 'now'), int(0)),
  }
}

/** Which rules are named: exactly those that grant, unless there are more than a verdict names. */
function nameRules({ byRule }: Grants, place: string, world: World): void {
  const set = { kind: 'symbol', place } as const
  const ids = [...byRule.keys()]
  world.assumeLate(() => {
    const members = world.sets.membersOf(place).map(({ element, isIn }) => {
      const id = element.kind === 'string' && element.term.kind === 'string' && element.term.value
      const isGranting = id === false ? TRUE : (byRule.get(id) ?? FALSE)
      return ids.length > MAX_NAMED_RULES || id === false
        ? implies(isIn, isGranting)
        : equal(isIn, isGranting)
    })
    return [...members, world.sets.isSubset(set, literalSet(ids))]
  })
}

function fieldOf(value: Symbolic | undefined, name: string): Symbolic | undefined {
  return value?.kind === 'record' ? value.record.field(name)?.value : undefined
}

function termOf(value: Symbolic | undefined, otherwise: Term): Term {
  return value !== undefined && 'term' in value ? value.term : otherwise
}

function withFields(
  from: Symbolic | undefined,
  changed: Record<string, Symbolic | undefined>,
): Symbolic {
  const record: SymbolicRecord =
    from?.kind === 'record' ? from.record : { names: [], field: () => undefined }
  const field: SymbolicRecord['field'] = (name) => {
    const value = Object.hasOwn(changed, name) ? changed[name] : undefined
    return value === undefined ? record.field(name) : { present: TRUE, value }
  }
  return { kind: 'record', record: { names: record.names, field } }
}
