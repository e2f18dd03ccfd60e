import { MODEL_APIS, TOOL_DOINGS } from '../core/action.ts'
import { WORDS_IN_FACTS, WORDS_OF_FACTS } from '../policy/decision/fact-words.ts'
import type { Frame } from './frame.ts'
import type { RequestTypes } from './schema.ts'
import type { Symbolic, SymbolicRecord } from './symbolic.ts'
import { equal, not, or, string, type Term } from './term.ts'
import type { World } from './world.ts'

const HOST = 'Sekisho::Host'
const CLIENT_TOOL = 'Sekisho::ClientTool'

/**
 * What the gate keeps to when it describes an action, whoever asks for it: words are those of
 * `core/label.ts` and `core/action.ts`, something is granted exactly when a rule grants it, a host and
 * a client's tool are named by their ids.
 */
export function platformFacts(frame: Frame, types: RequestTypes, world: World): Term[] {
  const context = world.record('context', types.actions.get(frame.action)?.context ?? new Map())
  const facts = recordAt(context, 'facts')
  if (facts === undefined) return []
  const words = Object.entries(WORDS_OF_FACTS).flatMap(([name, allowed]) =>
    oneOf(facts.field(name)?.value, allowed),
  )
  const sets = Object.entries(WORDS_IN_FACTS).flatMap(([name, allowed]) => {
    const value = facts.field(name)?.value
    return value?.kind === 'set' ? [world.sets.isSubset(value.set, literalSet(allowed))] : []
  })
  const own = [
    ...hostFacts(frame, types, world),
    ...schemeFacts(frame, context),
    ...toolFacts(frame, context, world),
    ...oneOf(recordAt(context, 'model')?.field('api')?.value, MODEL_APIS),
  ]
  return [...words, ...sets, ...grantFacts(facts, world), ...own]
}

export function literalSet(texts: readonly string[]): {
  kind: 'literal'
  elements: readonly Symbolic[]
} {
  return {
    kind: 'literal',
    elements: texts.map((text) => ({ kind: 'string', term: string(text) })),
  }
}

function recordAt(record: SymbolicRecord, name: string): SymbolicRecord | undefined {
  const value = record.field(name)?.value
  return value?.kind === 'record' ? value.record : undefined
}

function grantFacts(facts: SymbolicRecord, world: World): Term[] {
  const [granted, grants] = [facts.field('granted')?.value, facts.field('grants')?.value]
  if (granted?.kind !== 'bool' || grants?.kind !== 'set') return []
  return [equal(granted.term, not(world.sets.isEmpty(grants.set)))]
}

/** Of what is spoken at a port, only these are requests. */
function schemeFacts({ action }: Frame, context: SymbolicRecord): Term[] {
  const scheme = recordAt(context, 'http')?.field('scheme')?.value
  if (action !== 'http.request' || scheme?.kind !== 'string') return []
  return [or(equal(scheme.term, string('https')), equal(scheme.term, string('http')))]
}

function oneOf(value: Symbolic | undefined, words: readonly string[]): Term[] {
  return value?.kind === 'string'
    ? [or(...words.map((word) => equal(value.term, string(word))))]
    : []
}

/** A client's tool is named by its id. */
function toolFacts({ resource }: Frame, context: SymbolicRecord, world: World): Term[] {
  const tool = recordAt(context, 'tool')
  if (resource !== CLIENT_TOOL || tool === undefined) return []
  const name = tool.field('name')?.value
  const { id } = world.entity('resource', CLIENT_TOOL)
  return [
    ...oneOf(tool.field('does')?.value, TOOL_DOINGS),
    ...(name?.kind === 'string' ? [equal(name.term, id)] : []),
  ]
}

function hostFacts({ resource }: Frame, types: RequestTypes, world: World): Term[] {
  if (resource !== HOST) return []
  const host = world.entity('resource', HOST)
  const name = world.attribute(host, 'name', types)?.value
  return name?.kind === 'string' ? [equal(name.term, host.id)] : []
}
