import { APPROVALS, CRITICAL_ARGUMENTS } from '../core/label.ts'
import { sceneOf, type Frame } from './frame.ts'
import { grantedBy } from './grant-binding.ts'
import type { KnownNames } from './known-names.ts'
import type { Language } from './language.ts'
import type { RequestTypes } from './schema.ts'
import type { Scene } from './scene.ts'
import type { Symbolic } from './symbolic.ts'
import { and, equal, int, not, or, string, type Term, variable, walk } from './term.ts'
import type { World } from './world.ts'

type Asked = { frame: Frame; world: World; types: RequestTypes; known: KnownNames }

/** They ask, and by RFC 9110 §9.2.1 change nothing. */
const READING_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']
const METHODS = [...READING_METHODS, 'POST', 'PUT', 'PATCH', 'DELETE']
/** More would make the question a long one, for the sake of its example. */
const MAX_RULES = 500
const MAX_TEXTS = 200

/**
 * What an example should be like, wherever the question leaves it open, the most telling first:
 * what is left in it of the unusual is what the answer depends on.
 *
 * @param term that has to hold
 */
export function usualRequest(term: Term, asked: Asked): Term[] {
  const { frame, world, types } = asked
  const [principal = ''] = frame.principals
  const scene = sceneOf(frame, principal, { world, types })
  if (scene === undefined) return []
  const granted = grantedToSomebody(scene, asked)
  return [
    ...usualFacts(scene, frame.action),
    ...granted,
    ...usualDetails(scene),
    ...usualNames(scene, asked),
    ...usualPlaces([term, ...granted]),
    ...usualRest(term),
  ]
}

function usualFacts(scene: Scene, action: string): Term[] {
  const facts = fieldOf(scene.bindings.context, 'facts')
  const is = (name: string, word: string): Term[] => isText(fieldOf(facts, name), word)
  const isNot = (name: string, word: string): Term[] => is(name, word).map(not)
  return [
    ...[fieldOf(facts, 'granted')].flatMap((value) => (value?.kind === 'bool' ? [value.term] : [])),
    variable('user.enabled', 'Bool'),
    ...['findings', 'unconfirmed', 'credentials', 'approvals'].flatMap((name) =>
      isEmpty(fieldOf(facts, name), scene),
    ),
    ...[...APPROVALS].reverse().flatMap((word) => lacks(fieldOf(facts, 'approvals'), word, scene)),
    ...CRITICAL_ARGUMENTS.flatMap((word) => lacks(fieldOf(facts, 'unconfirmed'), word, scene)),
    ...is('integrity', 'user'),
    ...isNot('integrity', 'untrusted'),
    ...is('confidentiality', 'public'),
    ...isNot('confidentiality', 'secret'),
    ...is('consequence', 'low'),
    ...isNot('consequence', 'critical'),
    ...usualEffect(scene, action),
  ]
}

/** What an action does where no rule and no operation says otherwise; see `policy/decision/classify.ts`. */
export function usualEffectsOf(action: string, method: string): readonly string[] {
  if (action === 'http.request') return READING_METHODS.includes(method) ? ['read'] : ['external']
  if (action === 'net.connect' || action === 'llm.generate') return ['none', 'external']
  return action === 'package.install' ? ['read'] : ['none']
}

function usualEffect(scene: Scene, action: string): Term[] {
  const facts = fieldOf(scene.bindings.context, 'facts')
  const method = fieldOf(fieldOf(scene.bindings.context, 'http'), 'method')
  const [effect, reversibility] = [fieldOf(facts, 'effect'), fieldOf(facts, 'reversibility')]
  const reads = or(...READING_METHODS.flatMap((word) => isText(method, word)))
  const cases = [
    [reads, usualEffectsOf(action, 'GET')],
    [not(reads), usualEffectsOf(action, 'POST')],
  ] as const
  return [
    or(
      ...cases.map(([when, words]) =>
        and(when, or(...words.flatMap((word) => isText(effect, word)))),
      ),
    ),
    or(
      and(...isText(effect, 'read'), ...isText(reversibility, 'read_only')),
      and(...isText(effect, 'read').map(not), ...isText(reversibility, 'externally_reversible')),
    ),
  ]
}

/** That the file of an agent whom the bundle has lets it through, where rules may be anything. */
function grantedToSomebody(scene: Scene, { frame, known }: Asked): Term[] {
  const agent = agentOf(scene)
  const count = known.agents.reduce((sum, { rules }) => sum + rules.length, 0)
  if (agent === undefined || count > MAX_RULES) return []
  const grants = known.agents.map(({ name, rules }) =>
    and(equal(agent, string(name)), grantedBy(rules, frame, scene)),
  )
  return [or(...grants)]
}

function usualDetails({ bindings: { context } }: Scene): Term[] {
  const http = fieldOf(context, 'http')
  const port = fieldOf(http, 'port')
  const at = (scheme: string, number: number): Term =>
    and(
      ...isText(fieldOf(http, 'scheme'), scheme),
      ...(port?.kind === 'long' ? [equal(port.term, int(number))] : []),
    )
  const method = fieldOf(http, 'method')
  if (http === undefined) return []
  return [
    ...['upgrade', 'hasQuery'].flatMap((name) => {
      const value = fieldOf(http, name)
      return value?.kind === 'bool' ? [not(value.term)] : []
    }),
    or(at('https', 443), at('http', 80)),
    at('https', 443),
    or(...isText(fieldOf(http, 'scheme'), 'https'), ...isText(fieldOf(http, 'scheme'), 'http')),
    or(...METHODS.flatMap((word) => isText(method, word))),
    ...isText(method, 'GET'),
    ...isText(method, 'POST'),
  ]
}

function usualNames(scene: Scene, { known, frame }: Asked): Term[] {
  const agent = agentOf(scene)
  const hosts = known.agents.flatMap(({ rules }) => rules.map(({ host }) => host))
  const named = hosts.filter((host) => !host.startsWith('*.')).slice(0, MAX_TEXTS)
  const isHost = ['Sekisho::Host', 'Sekisho::Name'].includes(frame.resource)
  return [
    ...(agent === undefined
      ? []
      : [
          oneOf(
            agent,
            known.agents.map(({ name }) => name),
          ),
        ]),
    ...(agent === undefined ? [] : [oneOf(variable('user', 'String'), known.users)]),
    ...(isHost ? [oneOf(variable('resource', 'String'), named)] : []),
    equal(variable('context.http.path', 'String'), string('/')),
  ]
}

/** One text for each pattern that is asked about: of a host, a path, a tool. */
function usualPlaces(terms: readonly Term[]): Term[] {
  const texts = new Map<string, Set<string>>()
  for (const term of walk(terms)) {
    if (term.kind !== 'match') continue
    const own = texts.get(term.text.name) ?? new Set()
    texts.set(term.text.name, own)
    if (own.size < MAX_TEXTS) own.add(exampleOf(term.language))
  }
  return [...texts].map(([name, examples]) => oneOf(variable(name, 'String'), [...examples]))
}

function exampleOf(language: Language): string {
  return language
    .map((piece) => {
      if (piece.kind === 'text') return piece.text
      return piece.kind === 'segments' ? '/x' : 'x'
    })
    .join('')
}

/** Whatever else is asked about is not so, not there, or nothing. */
function usualRest(term: Term): Term[] {
  return walk([term]).flatMap((each): Term[] => {
    if (each.kind !== 'variable') return []
    if (each.sort === 'Int' && !each.name.endsWith('.port')) return [equal(each, int(0))]
    const isOpen = / is there$| in (?!Sekisho::Agent::)\w+::/.test(each.name)
    return each.sort === 'Bool' && isOpen ? [not(each)] : []
  })
}

function agentOf({ bindings: { principal }, world, types }: Scene): Term | undefined {
  const agent =
    principal.kind === 'entity' ? world.attribute(principal, 'agent', types)?.value : undefined
  return agent?.kind === 'entity' ? agent.id : undefined
}

function fieldOf(value: Symbolic | undefined, name: string): Symbolic | undefined {
  return value?.kind === 'record' ? value.record.field(name)?.value : undefined
}

function isText(value: Symbolic | undefined, text: string): Term[] {
  return value?.kind === 'string' ? [equal(value.term, string(text))] : []
}

function isEmpty(value: Symbolic | undefined, { world }: Scene): Term[] {
  return value?.kind === 'set' ? [world.sets.isEmpty(value.set)] : []
}

function lacks(value: Symbolic | undefined, word: string, { world }: Scene): Term[] {
  if (value?.kind !== 'set') return []
  return [not(world.sets.contains(value.set, { kind: 'string', term: string(word) }))]
}

function oneOf(value: Term, texts: readonly string[]): Term {
  return or(...texts.map((text) => equal(value, string(text))))
}
