import type { Leaf } from './fields.ts'
import type { Figures } from './figures.ts'

/**
 * What the processes around a session counted for themselves, against what its leaves come to.
 * Whoever leaves out a leaf would have to make the kernel, the gate, the supervisor and the
 * keyholder miscount too.
 */
type Equation = {
  name: string
  /** summed; without the first there is nothing to compare */
  counters: readonly string[]
  /** how the counters stand to what is recorded */
  relation: '=' | '<='
  recorded: (known: Known) => number
  /** why the two cannot be compared */
  unless: (known: Known) => string | undefined
}

/** Of one session that has ended. */
class Known {
  readonly figures: Figures
  readonly #counters: Leaf

  constructor(counters: Leaf, figures: Figures) {
    this.#counters = counters
    this.figures = figures
  }

  has(name: string): boolean {
    // the keyholder names what it has counted; what is not there was none
    return name in this.#counters || name.startsWith('keyholder.')
  }

  counter(name: string): number {
    const value = this.#counters[name]
    return typeof value === 'number' ? value : 0
  }

  seen(...kinds: readonly string[]): number {
    return kinds.reduce((sum, kind) => sum + this.figures.of(`seen.${kind}`), 0)
  }
}

/** How one equation came out. */
export type Compared =
  | { kind: 'equal'; equation: string }
  | { kind: 'unequal'; equation: string; counted: number; recorded: number }
  | { kind: 'not-comparable'; equation: string; why: string }

/** The first of the counters that is above zero. */
function unlessAny(...names: readonly string[]): Equation['unless'] {
  return (known) => names.find((name) => known.counter(name) > 0)
}

/** Whoever took over had not counted what was before. */
const KEYHOLDER = unlessAny('keyholder.resumed')
const GATE_LOST = ['gate.lost', 'gate.restarted', 'keyholder.resumed'] as const
const OUTCOMES = unlessAny('outcomesLost', ...GATE_LOST)
const DENIALS = unlessAny('unavailable', ...GATE_LOST)
const EXECS = unlessAny('exec.unrecorded', 'exec.unmonitored')

/** Questions that may wait in the gate at once; one more is dropped and not counted there. */
const MAX_QUESTIONS_WAITING = 512

function keyholderLeaves(type: string): Equation {
  return {
    name: `${type} leaves that the keyholder wrote`,
    counters: [`keyholder.leaves.${type}`],
    relation: '=',
    recorded: ({ figures }) => figures.of(`leaves.${type}`),
    unless: KEYHOLDER,
  }
}

const KEYHOLDER_EQUATIONS: readonly Equation[] = [
  keyholderLeaves('session.start'),
  keyholderLeaves('session.state'),
  keyholderLeaves('action.intent'),
  keyholderLeaves('action.outcome'),
  keyholderLeaves('action.preimage'),
  keyholderLeaves('llm.call'),
  keyholderLeaves('action.held'),
  keyholderLeaves('approval.answer'),
  keyholderLeaves('approval.ended'),
  keyholderLeaves('identity.issued'),
  keyholderLeaves('identity.revoked'),
  keyholderLeaves('gap'),
  keyholderLeaves('process.exec'),
  keyholderLeaves('limit.breach'),
  keyholderLeaves('alert'),
  keyholderLeaves('session.contained'),
  {
    name: 'credentials that the keyholder released',
    counters: ['keyholder.credentials'],
    relation: '<=',
    recorded: ({ figures }) => figures.of('credentials'),
    unless: KEYHOLDER,
  },
]

function outcomeFigure(name: string, counter: string): Equation {
  return {
    name,
    counters: [counter],
    relation: '=',
    recorded: ({ figures }) => figures.of(`outcomes.${counter}`),
    unless: OUTCOMES,
  }
}

/** What a request can be in the log, and what may be cut off inside one. */
const REQUESTS = [
  'http.request',
  'llm.generate',
  'package.install',
  'net.connect',
  'secret.use',
  'ws.message',
] as const

const GATE_EQUATIONS: readonly Equation[] = [
  outcomeFigure('bytes that the gate sent on', 'bytesOut'),
  outcomeFigure('bytes that the gate handed back', 'bytesIn'),
  outcomeFigure('credentials that the gate took out of replies', 'scrubbed'),
  {
    name: 'questions for names that the gate was asked',
    counters: ['dnsQueries'],
    // what is no question at all is recorded, and not counted as one
    relation: '<=',
    recorded: (known) => known.seen('dns.resolve') + known.counter('unreported'),
    unless: DENIALS,
  },
  {
    name: 'questions, connections and packets that the gate decided by itself',
    counters: ['dnsQueries', 'connectionsDenied', 'packetsDenied'],
    relation: '<=',
    recorded: (known) => known.seen('dns.resolve', 'net.connect') + known.counter('unreported'),
    unless: DENIALS,
  },
  {
    name: 'requests that the gate read',
    counters: ['requests'],
    // a stream that is cut, or an approval that was refused, is a leaf more
    relation: '<=',
    recorded: (known) => known.seen(...REQUESTS) + known.counter('unreported'),
    unless: DENIALS,
  },
]

const KERNEL_EQUATIONS: readonly Equation[] = [
  {
    name: 'connections that the kernel gave the gate, against those that it saw',
    counters: ['kernel.tcpAccepted'],
    relation: '<=',
    recorded: (known) => known.counter('connections'),
    unless: droppedByGate,
  },
  {
    name: 'datagrams that the gate took from the kernel, against the questions in them',
    counters: ['kernel.udpRead'],
    relation: '<=',
    recorded: (known) => known.counter('dnsQueries'),
    unless: (known) =>
      known.counter('kernel.udpRead') > MAX_QUESTIONS_WAITING
        ? 'so many may have waited that some were dropped'
        : droppedByGate(known),
  },
]

/** A gate that has heard of a revocation drops what arrives. */
function droppedByGate(known: Known): string | undefined {
  const isRevoked = known.figures.of('leaves.identity.revoked') > 0
  return isRevoked ? 'its identity was revoked' : unlessAny('kernel.uncounted', ...GATE_LOST)(known)
}

function execFigure(name: string, counter: string, figure: string): Equation {
  return {
    name,
    counters: [counter],
    // a program that is recorded as its session ends is not counted any more
    relation: '<=',
    recorded: ({ figures }) => figures.of(figure),
    unless: EXECS,
  }
}

const SUPERVISOR_EQUATIONS: readonly Equation[] = [
  execFigure('programs that the kernel asked for', 'exec.total', 'execs'),
  execFigure('programs that were refused', 'exec.denied', 'execs.denied'),
  execFigure('programs that the session wrote itself', 'exec.written', 'execs.written'),
  {
    name: 'system calls and files that the supervisor refused',
    counters: ['supervisor.denied'],
    relation: '=',
    recorded: (known) => known.seen('process.syscall', 'file.open'),
    unless: () => undefined,
  },
]

const EQUATIONS: readonly Equation[] = [
  ...KEYHOLDER_EQUATIONS,
  ...GATE_EQUATIONS,
  ...KERNEL_EQUATIONS,
  ...SUPERVISOR_EQUATIONS,
]

/** @param counters of the session's end leaf */
export function compare(counters: Leaf, figures: Figures): Compared[] {
  const known = new Known(counters, figures)
  return EQUATIONS.map((equation) => compareOne(equation, known))
}

function compareOne(equation: Equation, known: Known): Compared {
  const { name, relation, counters } = equation
  const [first = ''] = counters
  const why = equation.unless(known) ?? (known.has(first) ? undefined : `no ${first}`)
  if (why !== undefined) return { kind: 'not-comparable', equation: name, why }
  const counted = counters.reduce((sum, counter) => sum + known.counter(counter), 0)
  const recorded = equation.recorded(known)
  const fits = relation === '=' ? counted === recorded : counted <= recorded
  return fits
    ? { kind: 'equal', equation: name }
    : { kind: 'unequal', equation: name, counted, recorded }
}
