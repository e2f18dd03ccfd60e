import type { HttpRequestAction } from '../core/action.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { findNearest } from './nearest.ts'
import { compileGlob, type PathMatcher } from './path-glob.ts'
import { loosenPath, type PathReading } from './path-reading.ts'
import { printable } from './problem.ts'

/** Looked at for each host pattern: a denied request must not cost more than an allowed one. */
const MAX_RULES_LOOKED_AT = 16
const MAX_HOSTS_LOOKED_AT = 32
const MAX_SHOWN = 3
const MAX_PATH_SHOWN = 256

type Candidate = {
  rule: PolicyRule
  globs: readonly { exact: PathMatcher; loose: PathMatcher }[]
}

/** Says what would have been allowed, for the operator who reads a denial. */
export class DenialExplainer {
  readonly #candidates = new Map<string, Candidate[]>()
  readonly #hosts: readonly string[]
  readonly #reach: string

  constructor(rules: readonly PolicyRule[]) {
    const allows = rules
      .filter((rule) => rule.effect === 'allow')
      .toSorted((a, b) => compareText(a.id, b.id) || compareText(placeOf(a), placeOf(b)))
    for (const rule of allows) this.#add(rule)
    const hosts = [...this.#candidates.keys()].toSorted(compareText)
    this.#hosts = hosts.slice(0, MAX_HOSTS_LOOKED_AT)
    this.#reach =
      hosts.length === 0 ? 'this session has no network' : `this session reaches ${list(hosts)}`
  }

  unknownHost(host: string): string {
    const nearest = findNearest(host, this.#hosts)
    const hint = nearest === undefined ? this.#reach : `the nearest that one names is ${nearest}`
    return `no rule names ${printable(host)}; ${hint}`
  }

  closedPort(host: string, port: number): string {
    const open = this.#candidatesFor(host).map(({ rule }) => `${rule.scheme} on port ${rule.port}`)
    return `no rule opens port ${port} of ${printable(host)}; open there: ${list(open)}`
  }

  request(action: HttpRequestAction, path: PathReading): string {
    const [first, ...others] = this.#candidatesFor(action.host)
    if (first === undefined) return this.unknownHost(action.host)
    let nearest = compare(first, action, path)
    for (const candidate of others) {
      const compared = compare(candidate, action, path)
      if (compared.fits > nearest.fits) nearest = compared
    }
    return `no rule allows ${describeRequest(action)}; ${describeRule(nearest)}`
  }

  #add(rule: PolicyRule): void {
    const there = this.#candidates.get(rule.host) ?? []
    this.#candidates.set(rule.host, there)
    if (there.length === MAX_RULES_LOOKED_AT) return
    const globs = rule.paths.map((glob) => ({
      exact: compileGlob(glob),
      loose: compileGlob(loosenPath(glob)),
    }))
    there.push({ rule, globs })
  }

  /** By exact name first, then by the narrowest wildcard. */
  #candidatesFor(host: string): readonly Candidate[] {
    const found = [...(this.#candidates.get(host) ?? [])]
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      found.push(...(this.#candidates.get(`*${host.slice(dot)}`) ?? []))
    }
    return found
  }
}

export function describeRequest(action: HttpRequestAction): string {
  const usual = action.scheme === 'https' && action.port === 443
  const origin = usual ? '' : `${action.scheme}://`
  const port = usual ? '' : `:${action.port}`
  const path = printable(action.path, MAX_PATH_SHOWN)
  return `${printable(action.method, 32)} ${origin}${printable(action.host)}${port}${path}`
}

type Compared = { rule: PolicyRule; place: boolean; path: boolean; fits: number }

function compare(
  { rule, globs }: Candidate,
  action: HttpRequestAction,
  { exact, loose }: PathReading,
): Compared {
  const place = rule.scheme === action.scheme && rule.port === action.port
  const method = rule.methods.length === 0 || rule.methods.includes(action.method)
  const path = globs.length === 0 || globs.some((glob) => glob.exact(exact) && glob.loose(loose))
  return { rule, place, path, fits: (place ? 4 : 0) + (path ? 2 : 0) + (method ? 1 : 0) }
}

function describeRule({ rule, place, path }: Compared): string {
  const methods = rule.methods.length === 0 ? 'any method' : rule.methods.join(', ')
  const where = [
    path ? '' : `on ${list(rule.paths)}`,
    place ? '' : `over ${rule.scheme} at port ${rule.port}`,
  ].filter((part) => part !== '')
  return `rule ${rule.id} allows ${methods} ${where.length === 0 ? 'there' : where.join(' ')}`
}

function list(items: readonly string[]): string {
  const unique = [...new Set(items)]
  const more = unique.length - MAX_SHOWN
  return unique.slice(0, MAX_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function placeOf(rule: PolicyRule): string {
  return JSON.stringify([rule.host, rule.scheme, rule.port, rule.methods, rule.paths])
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
