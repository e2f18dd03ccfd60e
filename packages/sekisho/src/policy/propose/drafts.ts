import { compareText, groupBy } from '../text-groups.ts'
import type { Candidate } from './candidates.ts'
import { generalise } from './generalise.ts'
import { sum, type Tally } from './tally.ts'

/** A rule to be, without the words. */
export type Draft = {
  scheme: 'http' | 'https'
  host: string
  ports: readonly number[]
  methods: readonly string[]
  /** empty: all of the host, because nothing is known of what was to be asked there */
  paths: readonly string[]
  basis: Candidate['basis']
  tally: Tally
}

/** What an allow rule has when it names no methods. */
const READ = ['GET', 'HEAD', 'OPTIONS']
const MAX_PORTS = 16

/** The fewest rules that allow the candidates and, but for generalised segments, nothing else. */
export function draftRules(candidates: readonly Candidate[]): Draft[] {
  const places = groupBy(candidates, ({ scheme, host, port }) => `${scheme} ${host} ${port}`)
  return mergePorts(places.flatMap(draftPlace)).toSorted(
    (a, b) => b.tally.attempts - a.tally.attempts || compareText(a.host, b.host),
  )
}

/** @param there at one scheme, host and port */
function draftPlace(there: readonly Candidate[]): Draft[] {
  const [first] = there
  if (first === undefined) return []
  const { scheme, host, port } = first
  const place = { scheme, host, ports: [port] }
  const requests = there.filter(({ request }) => request !== null)
  if (requests.length === 0) {
    const { basis } = there.find((candidate) => candidate.basis === 'port') ?? first
    const tally = sum(there.map((candidate) => candidate.tally))
    return [{ ...place, methods: READ, paths: [], basis, tally }]
  }
  return fewest(requests).map((part) => ({ ...place, ...part, basis: 'request' }))
}

type Part = Pick<Draft, 'methods' | 'paths' | 'tally'>

/** Methods with the same paths are one rule, or paths with the same methods: whichever is less. */
function fewest(requests: readonly Candidate[]): Part[] {
  const byMethod = groupBy(requests, (candidate) => candidate.request?.method ?? '').map(
    (same) => ({
      method: same[0]?.request?.method ?? '',
      globs: generalise(same.map(({ request }) => request?.path ?? '')),
      tallies: same.map(({ tally }) => tally),
    }),
  )
  const byPaths = groupBy(byMethod, ({ globs }) => globs.join('\n')).map((group) => ({
    methods: group.map(({ method }) => method).toSorted(),
    paths: group[0]?.globs ?? [],
    tally: sum(group.flatMap(({ tallies }) => tallies)),
  }))
  const pairs = byMethod.flatMap(({ method, globs }) => globs.map((glob) => ({ method, glob })))
  const methodsOf = groupBy(pairs, ({ glob }) => glob).map((group) => ({
    glob: group[0]?.glob ?? '',
    methods: group.map(({ method }) => method).toSorted(),
  }))
  const byMethods = groupBy(methodsOf, ({ methods }) => methods.join())
  if (byMethods.length >= byPaths.length) return byPaths
  // Attempts are counted by method, which such rules share: each shows those of its methods.
  return byMethods.map((group) => {
    const methods = group[0]?.methods ?? []
    const tallies = byMethod.filter(({ method }) => methods.includes(method))
    return {
      methods,
      paths: group.map(({ glob }) => glob).toSorted(),
      tally: sum(tallies.flatMap((entry) => entry.tallies)),
    }
  })
}

/** The same at several ports of a name is one rule. */
function mergePorts(drafts: readonly Draft[]): Draft[] {
  const same = ({ scheme, host, methods, paths, basis }: Draft): string =>
    JSON.stringify([scheme, host, methods, paths, basis])
  return groupBy(drafts, same).flatMap((group) => {
    if (group.length > MAX_PORTS) return group
    const [first] = group
    if (first === undefined) return []
    const ports = group.flatMap(({ ports: own }) => own).toSorted((a, b) => a - b)
    return [{ ...first, ports, tally: sum(group.map(({ tally }) => tally)) }]
  })
}
