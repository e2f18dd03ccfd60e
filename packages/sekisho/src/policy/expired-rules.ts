import type { HttpRequestAction } from '../core/action.ts'
import type { Deny } from '../core/verdict.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { describeRequest } from './explain-denial.ts'
import { HostIndex, nameRules, type Opening, openingKey } from './host-index.ts'
import type { PathReading } from './path-reading.ts'
import { printable } from './problem.ts'

/** Allow rules that have expired: they allow nothing, and a denial says that they once did. */
export class ExpiredRules {
  readonly #hosts: HostIndex
  readonly #days: ReadonlyMap<string, string>

  constructor(rules: readonly PolicyRule[]) {
    this.#hosts = new HostIndex(rules)
    this.#days = new Map(
      rules.map(({ id, expiresAtMs }) => [id, lastDayOf(expiresAtMs ?? 0)] as const),
    )
  }

  denyRequest(action: HttpRequestAction, path: PathReading): Deny | undefined {
    if (this.#days.size === 0) return undefined
    const key = openingKey(action.scheme, action.port)
    const found: string[] = []
    for (const openings of this.#hosts.find(action.host)) {
      openings.get(key)?.allows.collect(action.method, path, found)
    }
    return this.#denyBy(found, describeRequest(action))
  }

  denyName(name: string): Deny | undefined {
    return this.#denyOpenings(name, () => true, printable(name))
  }

  denyPort(host: string, port: number): Deny | undefined {
    const what = `port ${port} of ${printable(host)}`
    return this.#denyOpenings(host, (opening) => opening.port === port, what)
  }

  #denyOpenings(
    host: string,
    isMeant: (opening: Opening) => boolean,
    what: string,
  ): Deny | undefined {
    if (this.#days.size === 0) return undefined
    const found = this.#hosts
      .find(host)
      .flatMap((openings) => [...openings.values()].filter(isMeant))
      .flatMap((opening) => opening.openedBy)
    return this.#denyBy(found, what)
  }

  #denyBy(ids: string[], what: string): Deny | undefined {
    const rules = nameRules(ids)
    const [first] = rules
    if (first === undefined) return undefined
    const day = this.#days.get(first) ?? ''
    const others = rules.length === 1 ? '' : ` (and ${rules.length - 1} more have)`
    return {
      kind: 'deny',
      rules,
      reason: `rule ${first} expired on ${day}${others}, and no other allows ${what}`,
    }
  }
}

/** @param expiresAtMs the end of the last day, as `readDay` gives it */
export function lastDayOf(expiresAtMs: number): string {
  return new Date(Math.max(0, expiresAtMs - 1)).toISOString().slice(0, 10)
}
