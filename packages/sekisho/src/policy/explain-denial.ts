import type { HttpRequestAction } from '../core/action.ts'
import { matchesHost } from '../core/host.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { findNearest } from './nearest.ts'
import { compileGlob } from './path-glob.ts'
import { printable } from './problem.ts'

/** Looked at to find the nearest; more would let a denied request cost more than an allowed one. */
const MAX_LOOKED_AT = 64
const MAX_SHOWN = 3
const MAX_PATH_SHOWN = 256

/** Says what would have been allowed, for the operator who reads a denial. */
export class DenialExplainer {
  readonly #allows: readonly PolicyRule[]
  readonly #hosts: readonly string[]
  readonly #reach: string

  constructor(rules: readonly PolicyRule[]) {
    this.#allows = rules
      .filter((rule) => rule.effect === 'allow')
      .toSorted((a, b) => compareText(a.id, b.id) || compareText(placeOf(a), placeOf(b)))
    this.#hosts = [...new Set(this.#allows.map((rule) => rule.host))].toSorted(compareText)
    const more = this.#hosts.length - MAX_SHOWN
    const shown = this.#hosts.slice(0, MAX_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '')
    this.#reach = this.#hosts.length === 0 ? 'this session has no network' : `it reaches ${shown}`
  }

  unknownHost(host: string): string {
    const nearest = findNearest(host, this.#hosts.slice(0, MAX_LOOKED_AT))
    const hint = nearest === undefined ? this.#reach : `the nearest that one names is ${nearest}`
    return `no rule names ${printable(host)}; ${hint}`
  }

  closedPort(host: string, port: number): string {
    const open = this.#allowsFor(host).map((rule) => `${rule.scheme} on port ${rule.port}`)
    return `no rule opens port ${port} of ${printable(host)}; open there: ${list(open)}`
  }

  request(action: HttpRequestAction): string {
    const rules = this.#allowsFor(action.host)
    const [first, ...others] = rules
    if (first === undefined) return this.unknownHost(action.host)
    let nearest = { rule: first, ...compare(first, action) }
    for (const rule of others) {
      const compared = compare(rule, action)
      if (compared.fits > nearest.fits) nearest = { rule, ...compared }
    }
    return `no rule allows ${describeRequest(action)}; ${describeRule(nearest)}`
  }

  #allowsFor(host: string): readonly PolicyRule[] {
    const found: PolicyRule[] = []
    for (const rule of this.#allows) {
      if (matchesHost(rule.host, host)) found.push(rule)
      if (found.length === MAX_LOOKED_AT) break
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

type Compared = { place: boolean; path: boolean; fits: number }

function compare(rule: PolicyRule, action: HttpRequestAction): Compared {
  const place = rule.scheme === action.scheme && rule.port === action.port
  const method = rule.methods.length === 0 || rule.methods.includes(action.method)
  const path = rule.paths.length === 0 || rule.paths.some((glob) => compileGlob(glob)(action.path))
  return { place, path, fits: (place ? 4 : 0) + (path ? 2 : 0) + (method ? 1 : 0) }
}

function describeRule({ rule, place, path }: Compared & { rule: PolicyRule }): string {
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
