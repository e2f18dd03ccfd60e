import { loosenPath } from '../policy/path-reading.ts'
import type { PolicyRule, Scheme } from '../wire/policy.ts'
import { hostLanguage, pathLanguage } from './language.ts'
import {
  and,
  equal,
  FALSE,
  ifThenElse,
  int,
  less,
  match,
  not,
  or,
  string,
  type Term,
  TRUE,
} from './term.ts'

/** What an agent file grants, and by which rules; see `policy/compile.ts`, which says the same. */
export type Grants = {
  granted: Term
  /** by rule id, whether that rule is among those that grant */
  byRule: ReadonlyMap<string, Term>
  /** what is spoken at a port, for `net.connect`; undefined for other actions */
  scheme?: Term
}

/** The parts of a request that rules look at. */
export type RequestPlace = {
  host: Term
  scheme: Term
  port: Term
  method: Term
  path: Term
  /** the path as the loosest server reads it */
  loosePath: Term
  isUpgrade: Term
  /** Unix ms */
  now: Term
}

/** Ids that one verdict names; see `policy/host-index.ts`. */
export const MAX_NAMED_RULES = 64

/** Where rules disagree on what a port speaks; the order of `policy/network-policy.ts`. */
const SCHEMES = ['https', 'http', 'tcp', 'tls'] as const satisfies readonly Scheme[]

/** @param place of a path that is read in one way only: any other is denied before rules are asked */
export function grantRequest(rules: readonly PolicyRule[], place: RequestPlace): Grants {
  const denied = or(...rules.filter(isDeny).map((rule) => matchesRequest(rule, place)))
  return grantsOf(rules, not(denied), (rule) => {
    const fits = and(matchesRequest(rule, place), stands(rule, place.now))
    return rule.options?.websocket === true ? fits : and(fits, not(place.isUpgrade))
  })
}

/** A name is told if some port of it is open. */
export function grantName(
  rules: readonly PolicyRule[],
  { host, now }: Pick<RequestPlace, 'host' | 'now'>,
): Grants {
  return grantsOf(rules, TRUE, (rule) =>
    and(matchesHost(rule, host), stands(rule, now), not(isClosed(rules, rule, host))),
  )
}

/** A port is open if some rule says so and none closes it again. */
export function grantConnect(
  rules: readonly PolicyRule[],
  { host, port, now }: Pick<RequestPlace, 'host' | 'port' | 'now'>,
): Grants {
  const opens = (rule: PolicyRule): Term =>
    and(
      matchesHost(rule, host),
      equal(port, int(rule.port)),
      stands(rule, now),
      not(isClosed(rules, rule, host)),
    )
  const scheme = SCHEMES.reduceRight<Term>((otherwise, each) => {
    const open = rules.filter((rule) => !isDeny(rule) && rule.scheme === each).map(opens)
    return ifThenElse(or(...open), string(each), otherwise)
  }, string('none'))
  const grants = grantsOf(rules, TRUE, (rule) =>
    and(opens(rule), equal(scheme, string(rule.scheme))),
  )
  return { ...grants, scheme }
}

/**
 * A path that has nothing a server could read loosely is read as it stands. Of others nothing is
 * said, which allows more than can be.
 */
export function readsAlike({ path, loosePath }: Pick<RequestPlace, 'path' | 'loosePath'>): Term {
  const isLoose = ['%', '\\', ';', '//'].map((text) =>
    match(path, [{ kind: 'gap' }, { kind: 'text', text }, { kind: 'gap' }]),
  )
  return or(equal(path, loosePath), ...isLoose)
}

function grantsOf(
  rules: readonly PolicyRule[],
  isOpen: Term,
  allows: (rule: PolicyRule) => Term,
): Grants {
  const byRule = new Map<string, Term>()
  for (const rule of rules) {
    if (isDeny(rule)) continue
    byRule.set(rule.id, or(byRule.get(rule.id) ?? FALSE, and(isOpen, allows(rule))))
  }
  return { granted: or(...byRule.values()), byRule }
}

function matchesRequest(rule: PolicyRule, place: RequestPlace): Term {
  return and(
    matchesHost(rule, place.host),
    equal(place.scheme, string(rule.scheme)),
    equal(place.port, int(rule.port)),
    rule.methods.length === 0
      ? TRUE
      : or(...rule.methods.map((method) => equal(place.method, string(method)))),
    rule.paths.length === 0
      ? TRUE
      : or(...rule.paths.map((glob) => matchesPath(rule, glob, place))),
  )
}

/** Nobody gets around a deny rule by a path that is read loosely, or through an allow rule by one. */
function matchesPath(rule: PolicyRule, glob: string, { path, loosePath }: RequestPlace): Term {
  const exact = match(path, pathLanguage(glob))
  const loose = match(loosePath, pathLanguage(loosenPath(glob)))
  return isDeny(rule) ? or(exact, loose) : and(exact, loose)
}

function matchesHost(rule: PolicyRule, host: Term): Term {
  return match(host, hostLanguage(rule.host))
}

function isClosed(rules: readonly PolicyRule[], opened: PolicyRule, host: Term): Term {
  const closing = rules.filter(
    (rule) =>
      isDeny(rule) && closes(rule) && rule.scheme === opened.scheme && rule.port === opened.port,
  )
  return or(...closing.map((rule) => matchesHost(rule, host)))
}

function closes({ scheme, methods, paths }: PolicyRule): boolean {
  return (methods.length === 0 && paths.length === 0) || scheme === 'tcp' || scheme === 'tls'
}

function isDeny({ effect }: PolicyRule): boolean {
  return effect === 'deny'
}

/** An allow rule that has expired allows nothing. */
function stands({ expiresAtMs }: PolicyRule, now: Term): Term {
  return expiresAtMs === undefined ? TRUE : less(now, int(expiresAtMs))
}
