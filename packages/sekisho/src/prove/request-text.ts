import { printable } from '../policy/problem.ts'
import type { Counterexample } from '../wire/solver.ts'
import { usualEffectsOf } from './usual-request.ts'

type Values = Counterexample['values']
type Request = Pick<Counterexample, 'action' | 'resource' | 'principals' | 'values'>
/** Whether a file or a policy says this text, or it stands for nothing but "another one". */
type IsNamed = (text: string) => boolean

const FACTS = 'context.facts.'
const OPERATION = 'tool.call/'
const MAX_LINE_LENGTH = 1024
const USUAL_PORTS: Readonly<Record<string, number>> = { https: 443, http: 80 }

/**
 * An example as an operator reads it: who does what in the first line, then a line each for what
 * it depends on besides. What is as usual is left out.
 */
export function requestText(request: Request, isNamed: IsNamed): string {
  const first = `${whoOf(request, isNamed)}: ${whatOf(request, isNamed)}`
  return [first, ...circumstancesOf(request, isNamed)]
    .map((line) => printable(line, MAX_LINE_LENGTH))
    .join('\n')
}

function whoOf({ principals, values }: Request, isNamed: IsNamed): string {
  const named = (place: string, other: string): string => nameAt(values[place], isNamed) ?? other
  if (principals.includes('Sekisho::Session')) {
    const [agent, user] = [named('session.agent', ''), named('user', '')]
    const first = agent === '' ? 'some other agent' : `agent ${agent}`
    return `${first} (${user === '' ? 'some other user' : `user ${user}`})`
  }
  const noun = nounOf(principals[0] ?? '')
  const name = named(noun, '')
  return name === '' ? `some ${noun}` : `${noun} ${name}`
}

function whatOf(request: Request, isNamed: IsNamed): string {
  const { action, resource, values } = request
  const name = nameAt(values['resource'], isNamed)
  const noun = nounOf(resource)
  switch (action) {
    case 'http.request':
      return httpText(values, name, isNamed)
    case 'net.connect': {
      const port = String(values['context.connect.port'] ?? 0)
      if (name === undefined) return `connect to a host that no file names, port ${port}`
      return `connect tcp://${name}:${port}`
    }
    case 'dns.resolve':
      return `resolve ${name ?? 'a name that no file has'}`
    case 'llm.tool-call':
      return toolText(values, name)
    default:
      if (action.startsWith(OPERATION)) return `call ${action.slice(OPERATION.length)}`
      return otherText(action, noun, name)
  }
}

function otherText(action: string, noun: string, name: string | undefined): string {
  if (noun === 'platform') return `${action} of this platform`
  return name === undefined ? `${action} of some other ${noun}` : `${action} of ${noun} ${name}`
}

function toolText(values: Values, name: string | undefined): string {
  const programs = values['context.tool.programs']
  const ran =
    Array.isArray(programs) && programs.length > 0 ? `, to run ${programs.join(', ')}` : ''
  return `let the client call ${name ?? 'a tool that no file names'}${ran}`
}

function httpText(values: Values, host: string | undefined, isNamed: IsNamed): string {
  const method = nameAt(values['context.http.method'], isNamed) ?? 'a method that no file names'
  const scheme = nameAt(values['context.http.scheme'], isNamed) ?? 'https'
  const port = values['context.http.port'] ?? USUAL_PORTS[scheme]
  const at = port === USUAL_PORTS[scheme] ? '' : `:${String(port)}`
  const protocol = values['context.http.upgrade'] === true ? scheme.replace('http', 'ws') : scheme
  const path = pathText(values)
  if (host !== undefined) return `${method} ${protocol}://${host}${at}${path}`
  const by = protocol === 'https' ? '' : ` by ${protocol}`
  return `${method} ${path}${by} at a host that no file names${at.replace(':', ', port ')}`
}

function pathText(values: Values): string {
  const path = values['context.http.path']
  const place = typeof path === 'string' && path.startsWith('/') ? path : '/'
  return values['context.http.hasQuery'] === true ? `${place}?...` : place
}

function circumstancesOf(request: Request, isNamed: IsNamed): string[] {
  const { principals, values } = request
  return [
    ...readBefore(values),
    ...listed('with the yes of', values[`${FACTS}approvals`], ' and '),
    ...listed('finding', values[`${FACTS}findings`], ', '),
    ...listed('with an unconfirmed', values[`${FACTS}unconfirmed`], ', '),
    ...listed('with the secret', values[`${FACTS}credentials`], ', '),
    ...does(request),
    ...(values['user.enabled'] === false ? ['for a user who is disabled'] : []),
    ...(values[`${FACTS}granted`] === false && principals.includes('Sekisho::Session')
      ? ['that no rule of the agent file grants']
      : []),
    ...listed('granted by the rule', values[`${FACTS}grants`], ', ').filter(
      (line) => !line.includes(OTHER),
    ),
    ...amounts(values),
    ...groups(values),
    ...others(values, isNamed),
  ]
}

function readBefore(values: Values): string[] {
  const [integrity, confidentiality] = [
    values[`${FACTS}integrity`],
    values[`${FACTS}confidentiality`],
  ]
  const read = [
    ...(integrity === 'untrusted' || integrity === 'trusted' ? [`${integrity} content`] : []),
    ...(confidentiality === 'internal' || confidentiality === 'secret'
      ? [`${confidentiality} data`]
      : []),
  ]
  return read.length === 0 ? [] : [`after ${read.join(' and ')}`]
}

const OTHER = 'something that no policy names'

function listed(what: string, value: Values[string] | undefined, between: string): string[] {
  if (!Array.isArray(value) || value.length === 0) return []
  return [`${what} ${value.map((each) => (each === '…' ? OTHER : each)).join(between)}`]
}

const EFFECTS: Readonly<Record<string, string>> = {
  none: 'without an effect outside',
  read: 'only reading outside',
  external: 'with an effect outside',
}
const REVERSIBILITIES: Readonly<Record<string, string>> = {
  read_only: 'changing nothing',
  reversible: 'that can be taken back',
  externally_reversible: 'that only the other side can take back',
  irreversible: 'that cannot be taken back',
}

function does({ action, values }: Request): string[] {
  const fact = (name: string, usual: string): string => String(values[`${FACTS}${name}`] ?? usual)
  const usual = usualEffectsOf(action, String(values['context.http.method'] ?? 'GET'))
  const effect = fact('effect', usual[0] ?? 'none')
  const taken = effect === 'read' ? 'read_only' : 'externally_reversible'
  const reversibility = fact('reversibility', taken)
  const consequence = fact('consequence', 'low')
  return [
    ...(usual.includes(effect) ? [] : [EFFECTS[effect] ?? effect]),
    ...(reversibility === taken ? [] : [REVERSIBILITIES[reversibility] ?? reversibility]),
    ...(consequence === 'low' ? [] : [`of ${consequence} consequence`]),
  ]
}

function amounts(values: Values): string[] {
  const line = (place: string, say: (amount: number) => string): string[] => {
    const amount = values[place]
    return typeof amount === 'number' && amount !== 0 ? [say(amount)] : []
  }
  const left = (name: string, unit: string): string[] => {
    const amount = values[`${FACTS}${name}`]
    return amount === undefined ? [] : [`with ${String(amount)} ${unit} left`]
  }
  return [
    ...line('context.http.bodyBytes', (bytes) => `with a body of ${bytes} bytes`),
    ...line(`${FACTS}now`, (ms) => `at ${timeText(ms)}`),
    ...left('bytesLeft', 'bytes'),
    ...left('requestsLeft', 'requests'),
  ]
}

const MAX_TIME_MS = 8.64e15

function timeText(ms: number): string {
  return Math.abs(ms) <= MAX_TIME_MS ? new Date(ms).toISOString() : `${ms} ms after 1970`
}

/** `user in Sekisho::Group::"staff"` */
function groups(values: Values): string[] {
  return Object.keys(values).flatMap((place) => {
    const [, of = '', type = '', name = ''] = /^(\S+) in (?:\w+::)*(\w+)::(".*")$/.exec(place) ?? []
    if (of === '' || type === 'Agent') return []
    return [`where the ${of} is in ${nounOf(type)} ${name.slice(1, -1)}`]
  })
}

/** What a line above or the first one says. */
const SAID =
  /^(?:session|user|operator|resource|resource\.name|session\.(?:agent|user)|user\.enabled|context\.http\..*|context\.connect\..*|context\.facts\..*|before's grants|after's grants|.* in .*)$/

/** Arguments and what else policies look at. */
function others(values: Values, isNamed: IsNamed): string[] {
  return Object.entries(values).flatMap(([place, value]) => {
    const name = place.replace(/^context\.(?:args\.)?/, '').replace(/^resource\./, 'its ')
    if (SAID.test(place) || value === false || value === 0) return []
    if (Array.isArray(value)) return listed(`with ${name}`, value, ', ')
    if (typeof value === 'string' && !isNamed(value)) return []
    return [`with ${name} ${String(value)}`]
  })
}

function nameAt(value: Values[string] | undefined, isNamed: IsNamed): string | undefined {
  return typeof value === 'string' && value !== '' && isNamed(value) ? value : undefined
}

/** `Sekisho::HostGroup` is a host group. */
function nounOf(type: string): string {
  const last = type.split('::').at(-1) ?? type
  return last.replace(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
}
