import type { Leaf } from './fields.ts'
import type { Figures } from './figures.ts'

/**
 * What the processes around a session counted for themselves, against what its leaves come to.
 * Whoever leaves out a leaf would have to make the kernel, the gate, the supervisor and the
 * keyholder miscount too.
 */
export type Equation = {
  name: string
  /** summed; one that is not there counts nothing, except that without the first nothing is said */
  counters: readonly string[]
  /** how the counters stand to the leaves */
  relation: '=' | '<='
  leaves: (figures: Figures) => number
  /** counters that, above zero, say why the two cannot be compared */
  unless: readonly string[]
}

/** How one equation came out. */
export type Compared =
  | { kind: 'equal'; equation: string }
  | { kind: 'unequal'; equation: string; counted: number; recorded: number }
  | { kind: 'not-comparable'; equation: string; why: string }

/** Whoever took over had not counted what was before. */
const KEYHOLDER = ['keyholder.resumed']
const GATE = ['gate.lost', 'gate.restarted', ...KEYHOLDER]

function keyholderLeaves(type: string): Equation {
  return {
    name: `${type} leaves that the keyholder wrote`,
    counters: [`keyholder.leaves.${type}`],
    relation: '=',
    leaves: (figures) => figures.of(`leaves.${type}`),
    unless: KEYHOLDER,
  }
}

const KEYHOLDER_EQUATIONS: readonly Equation[] = [
  ...[
    'session.start',
    'action.intent',
    'action.outcome',
    'action.preimage',
    'action.held',
    'approval.answer',
    'approval.ended',
    'session.state',
    'gap',
  ].map(keyholderLeaves),
  {
    name: 'credentials that the keyholder released',
    counters: ['keyholder.credentials'],
    relation: '=',
    leaves: (figures) => figures.of('credentials'),
    unless: KEYHOLDER,
  },
]

const GATE_EQUATIONS: readonly Equation[] = [
  {
    name: 'bytes that the gate sent on',
    counters: ['bytesOut'],
    relation: '=',
    leaves: (figures) => figures.of('outcomes.bytesOut'),
    unless: ['outcomesLost', ...GATE],
  },
  {
    name: 'bytes that the gate handed back',
    counters: ['bytesIn'],
    relation: '=',
    leaves: (figures) => figures.of('outcomes.bytesIn'),
    unless: ['outcomesLost', ...GATE],
  },
  {
    name: 'credentials that the gate took out of replies',
    counters: ['scrubbed'],
    relation: '=',
    leaves: (figures) => figures.of('outcomes.scrubbed'),
    unless: ['outcomesLost', ...GATE],
  },
  {
    name: 'questions for names that the gate was asked',
    counters: ['dnsQueries'],
    // what is no question at all is recorded, and not counted as one
    relation: '<=',
    leaves: (figures) => figures.of('seen.dns.resolve'),
    unless: ['unavailable', 'unreported', ...GATE],
  },
  {
    name: 'requests that the gate read',
    counters: ['requests'],
    // a stream that is cut, or an approval that was refused, is a leaf more
    relation: '<=',
    leaves: (figures) =>
      ['http.request', 'net.connect', 'secret.use', 'package.install', 'ws.message']
        .map((kind) => figures.of(`seen.${kind}`))
        .reduce((sum, seen) => sum + seen, 0),
    unless: ['unavailable', 'unreported', ...GATE],
  },
  {
    name: 'connections and packets that the gate refused',
    counters: ['connectionsDenied', 'packetsDenied'],
    relation: '<=',
    leaves: (figures) => figures.of('seen.net.connect'),
    unless: ['unavailable', 'unreported', ...GATE],
  },
]

const KERNEL_EQUATIONS: readonly Equation[] = []

const SUPERVISOR_EQUATIONS: readonly Equation[] = [
  {
    name: 'programs that the kernel asked for',
    counters: ['exec.total'],
    relation: '=',
    leaves: (figures) => figures.of('execs'),
    unless: ['exec.unrecorded', 'exec.unmonitored'],
  },
  {
    name: 'programs that were refused',
    counters: ['exec.denied'],
    relation: '=',
    leaves: (figures) => figures.of('execs.denied'),
    unless: ['exec.unrecorded', 'exec.unmonitored'],
  },
  {
    name: 'programs that the session wrote itself',
    counters: ['exec.written'],
    relation: '=',
    leaves: (figures) => figures.of('execs.written'),
    unless: ['exec.unrecorded', 'exec.unmonitored'],
  },
  {
    name: 'system calls and files that the supervisor refused',
    counters: ['supervisor.denied'],
    relation: '=',
    leaves: (figures) => figures.of('seen.process.syscall') + figures.of('seen.file.open'),
    unless: [],
  },
]

export const EQUATIONS: readonly Equation[] = [
  ...KEYHOLDER_EQUATIONS,
  ...GATE_EQUATIONS,
  ...KERNEL_EQUATIONS,
  ...SUPERVISOR_EQUATIONS,
]

/** @param counters of the session's end leaf */
export function compare(counters: Leaf, figures: Figures): Compared[] {
  return EQUATIONS.map((equation) => compareOne(equation, counters, figures))
}

function compareOne(equation: Equation, counters: Leaf, figures: Figures): Compared {
  const { name, relation, unless } = equation
  const [first = ''] = equation.counters
  const isCounted = first in counters || first.startsWith('keyholder.')
  const why =
    unless.find((counter) => valueOf(counters, counter) > 0) ??
    (isCounted ? undefined : `no ${first}`)
  if (why !== undefined) return { kind: 'not-comparable', equation: name, why }
  const counted = equation.counters.reduce((sum, counter) => sum + valueOf(counters, counter), 0)
  const recorded = equation.leaves(figures)
  const fits = relation === '=' ? counted === recorded : counted <= recorded
  return fits
    ? { kind: 'equal', equation: name }
    : { kind: 'unequal', equation: name, counted, recorded }
}

function valueOf(counters: Leaf, name: string): number {
  const value = counters[name]
  return typeof value === 'number' ? value : 0
}
