import { inFile } from './mutation.ts'

/** Mechanisms that hold several families. */
const head = inFile('gate/http-head.ts')
const front = inFile('gate/http-front.ts')
const router = inFile('gate/connection-router.ts')
const rules = inFile('policy/network-policy.ts')
const resolver = inFile('gate/resolver.ts')
const inspector = inFile('gate/inspection/inspector.ts')
const exchange = inFile('gate/http-exchange.ts')
const look = inFile('gate/head-inspection.ts')

export const HOST_UNREAD = head(
  'if (canonicalHost(name) === host && named === port) return',
  'return',
)
export const METHOD_UNREAD = head(
  'if (KNOWN_METHODS.has(method) && !FORBIDDEN_METHODS.has(method)) return',
  'return',
)
export const OVERRIDES_UNREAD = head(
  "if (OVERRIDES.has(spelled)) throw new Refusal('",
  "if (OVERRIDES.has('')) throw new Refusal('",
)
export const DEFAULT_ALLOWS = rules(
  'return this.#denyRequest(action, path)',
  "return { kind: 'allow', rules: [DEFAULT_RULE] }",
)
export const UNRECORDED = front(
  'channel === undefined || !isMalformed',
  'channel === undefined || isMalformed',
)
export const NAME_UNREAD = router(
  'canonicalHost(serverName) !== host',
  "canonicalHost(serverName) === 'none'",
)
export const NAME_MISSING = router(
  'if (serverName === undefined && options',
  'if (hasEch && options',
)
export const HELLO_UNREAD = router(
  "? deny('invariant.tls-malformed', peeked.reason)",
  '? undefined',
)
export const PORT_OPEN = router('?? usual\n', "?? usual ?? 'https'\n")
export const ANYWHERE = resolver("if (is === 'public') return undefined", 'return undefined')
export const URL_UNREAD = [
  inspector(
    "const path = this.#inspectUrlPart(action.path, 'text', into)",
    'const path = action.path',
  ),
  inspector("this.#inspectUrlPart(action.query, 'query', into)", 'action.query'),
] as const
export const FIELDS_UNREAD = inspector(
  'for (const finding of found) into.add(finding, `header',
  'for (const finding of found.slice(0, 0)) into.add(finding, `header',
)
export const FINDINGS_IGNORED = look(
  "return findings.stopping?.kind === 'deny' ? stoppedBy(findings, recordAs) : undefined",
  'return findings === undefined ? stoppedBy(findings, recordAs) : undefined',
)
export const BREAK_IGNORED = exchange(
  "if (read === 'gone') return deny(",
  "if (read === 'none') return deny(",
)
