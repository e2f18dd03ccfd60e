import { matchesHost } from '../core/host.ts'
import { type PolicyRule, type RuleOptions, TREATMENTS, type Treatments } from '../wire/policy.ts'

const NONE: RuleOptions = {}
const MAX_REMEMBERED = 1_024

export type Place = { scheme: PolicyRule['scheme']; host: string; port: number }

/** What the rules that allow an action grant or ask beyond that. */
export class RuleOptionsIndex {
  readonly #rules = new Map<string, PolicyRule[]>()
  readonly #remembered = new Map<string, RuleOptions>()

  constructor(rules: readonly PolicyRule[]) {
    for (const rule of rules) {
      if (rule.effect !== 'allow' || rule.options === undefined) continue
      const same = this.#rules.get(rule.id) ?? []
      this.#rules.set(rule.id, same)
      same.push(rule)
    }
  }

  /** @param allowedBy ids of the rules that allow it */
  of(place: Place, allowedBy: readonly string[]): RuleOptions {
    if (this.#rules.size === 0) return NONE
    const key = `${place.scheme} ${place.host} ${place.port} ${allowedBy.join(' ')}`
    const known = this.#remembered.get(key)
    if (known !== undefined) return known
    const options = this.#merge(place, allowedBy)
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(key, options)
    return options
  }

  #merge({ scheme, host, port }: Place, allowedBy: readonly string[]): RuleOptions {
    return allowedBy
      .flatMap((id) => this.#rules.get(id) ?? [])
      .filter((rule) => rule.scheme === scheme && rule.port === port)
      .filter((rule) => matchesHost(rule.host, host))
      .map((rule) => rule.options ?? NONE)
      .reduce(merge, NONE)
  }
}

/** A permission that one rule gives stands; of two treatments of one thing the stricter does. */
function merge(one: RuleOptions, other: RuleOptions): RuleOptions {
  return {
    websocket: one.websocket === true || other.websocket === true,
    withoutSni: one.withoutSni === true || other.withoutSni === true,
    uninspected: one.uninspected === true || other.uninspected === true,
    packages: one.packages ?? other.packages,
    maxBodyBytes: greater(one.maxBodyBytes, other.maxBodyBytes),
    treatments: stricter(one.treatments, other.treatments),
  }
}

function greater(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.max(one, other)
}

function stricter(
  one: Treatments | undefined,
  other: Treatments | undefined,
): Treatments | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const both = { ...one }
  for (const [key, treatment] of Object.entries(other)) {
    const known = both[key]
    const isStricter =
      known === undefined || TREATMENTS.indexOf(treatment) > TREATMENTS.indexOf(known)
    if (isStricter) both[key] = treatment
  }
  return both
}
