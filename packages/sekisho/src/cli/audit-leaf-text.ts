type Leaf = Readonly<Record<string, unknown>>

const AUDIT: Readonly<Record<string, (leaf: Leaf) => string>> = {
  'identity.authority': describeAuthority,
  'identity.issued': describeIssued,
  'identity.revoked': describeRevoked,
  'identity.revocation-heard': (leaf) =>
    `${owner(leaf['of'])} is revoked; heard by ${each(leaf['parties'], describeParty)}`,
  'identity.conflict': (leaf) =>
    `CONFLICT of identities, ${text(leaf['kind'])}: ${owner(leaf['of'])}: ${text(leaf['detail'])}`,
  'session.state': (leaf) =>
    `state changes by ${text(leaf['trigger'])}: ${text(leaf['detail'])}${describeChecks(leaf['checks'])}`,
  'log.read': (leaf) =>
    `the log is read by uid ${text(members(leaf['reader'])['uid'])} (pid ${text(members(leaf['reader'])['pid'])}), ${text(leaf['what'])}: ${text(leaf['query'])}`,
  'transcript.collected': describeTranscript,
  'witness.refused': (leaf) =>
    `WITNESS ${text(leaf['witness'])} of ${text(leaf['operator'])} does not sign ${text(leaf['size'])} leaves, ${text(leaf['reason'])}: ${text(leaf['detail'])}`,
  'platform.alert': (leaf) =>
    `ALERT ${text(leaf['severity'])} ${text(leaf['rule'])}: ${text(leaf['subject'])}`,
}

/** One line for a leaf about identities, states, readers and watchers; undefined for any other. */
export function describeAudit(leaf: Leaf): string | undefined {
  const { type } = leaf
  return typeof type === 'string' && Object.hasOwn(AUDIT, type) ? AUDIT[type]?.(leaf) : undefined
}

function describeAuthority({ trustDomain, rootProtection, reason }: Leaf): string {
  return `keys of ${text(trustDomain)} are in force, ${text(reason)}; the root is ${describeProtection(rootProtection)}`
}

function describeIssued({ of, id, key, reason, endorsed }: Leaf): string {
  const by = endorsed === null ? 'not endorsed by a key before' : 'endorsed by the key before'
  return `${owner(of)} has the identity ${text(id)}, key ${text(key)}, ${text(reason)}, ${by}`
}

function describeRevoked({ of, keys, reason, detail, by }: Leaf): string {
  const count = Array.isArray(keys) ? keys.length : 0
  const asked = by === null ? 'the platform' : `uid ${text(by)}`
  return `REVOKED ${count} keys of ${owner(of)} by ${asked}, ${text(reason)}: ${text(detail)}`
}

/** Where a private key is, in words. */
export function describeProtection(protection: unknown): string {
  const { class: kind, emulated } = members(protection)
  return `${text(kind)}${emulated === true ? ' (emulated)' : ''}`
}

function describeTranscript({ client, path, bytes, truncated, reason }: Leaf): string {
  const kept = reason === null ? `${text(bytes)} bytes` : `not kept: ${text(reason)}`
  const part = truncated === true ? ', its beginning' : ''
  return `what ${text(client)} says of itself in ${text(path)}: ${kept}${part}`
}

function describeParty({ name, afterMs }: Leaf): string {
  return afterMs === null ? `${text(name)} NOT` : `${text(name)} after ${text(afterMs)} ms`
}

function describeChecks(checks: unknown): string {
  if (!Array.isArray(checks) || checks.length === 0) return ''
  return ` [${each(checks, ({ name, held, detail }) =>
    held === true ? `${text(name)} held` : `${text(name)} DID NOT HOLD: ${text(detail)}`,
  )}]`
}

function owner(of: unknown): string {
  const { kind, session, gate } = members(of)
  return kind === 'gate' ? `gate ${text(gate)}` : `session ${text(session)}`
}

function each(list: unknown, describe: (one: Leaf) => string): string {
  if (!Array.isArray(list) || list.length === 0) return 'nobody'
  return list.map((one: unknown) => describe(members(one))).join(', ')
}

function members(value: unknown): Leaf {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '-' : JSON.stringify(value)
}
