import { hash, X509Certificate } from 'node:crypto'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import { GateIndex, IdentityOf, type Protection } from '../wire/identity.ts'
import type { Heard, Identities, IdentityEntry } from '../wire/keyholder.ts'
import type { Peer } from '../wire/peer.ts'
import { connect } from './client.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { printable, table } from './terminal.ts'

const USAGE =
  'sekisho identity list [--json] | show SESSION|gate-N|root|issuing|log [--json] | revoke SESSION|gate-N --reason TEXT [--json]'
/** Each party has 5 s to hear of it, and it is recorded before and after. */
const REVOKE_TIMEOUT_MS = 15_000
const AUTHORITIES = ['root', 'issuing', 'log'] as const

export const identity: Command = {
  name: 'identity',
  summary: 'Show who sessions and gates are, and take an identity back',
  usage: USAGE,
  async run(argv, terminal) {
    const [action, ...rest] = argv
    const flags = action === 'revoke' ? { reason: { type: 'string' as const } } : {}
    const { values, positionals } = jsonFlag(USAGE, rest, flags)
    const asked = { values, terminal, isJson: values['json'] === true }
    if (action === 'list' && positionals.length === 0) return list(asked)
    if (action === 'show') return show(asked, onePositional(USAGE, positionals))
    if (action === 'revoke') return revoke(asked, onePositional(USAGE, positionals))
    throw new SekishoError('USAGE', `identity ${action ?? ''}`, { hint: `usage: ${USAGE}` })
  },
}

type Asked = { values: Record<string, unknown>; terminal: Terminal; isJson: boolean }

async function list({ terminal, isJson }: Asked): Promise<number> {
  const identities = await read()
  if (isJson) {
    terminal.out(JSON.stringify(identities))
    return 0
  }
  const { authority, rootProtection, entries } = identities
  const rows = entries.map((entry) => [
    nameOf(entry.of),
    entry.key,
    protectionText(entry.protection),
    new Date(entry.notAfter).toISOString(),
    entry.revoked ? 'revoked' : 'in use',
  ])
  const authorities = AUTHORITIES.flatMap((name) =>
    authority === null ? [] : [authorityRow(name, authority[name], rootProtection)],
  )
  const all = [['WHO', 'KEY', 'KEPT', 'UNTIL', 'STATE'], ...authorities, ...rows]
  for (const line of table(all)) terminal.out(printable(line))
  return 0
}

function authorityRow(name: string, certificate: string, root: Protection | null): string[] {
  const parsed = parse(certificate)
  const kept = name === 'root' && root !== null ? protectionText(root) : 'derived'
  const spki = parsed.publicKey.export({ type: 'spki', format: 'der' })
  return [name, hash('sha256', spki).slice(0, 32), kept, parsed.validToDate.toISOString(), 'in use']
}

async function show({ terminal, isJson }: Asked, who: string): Promise<number> {
  const { certificate, entry } = chosen(await read(), who)
  if (isJson) {
    terminal.out(JSON.stringify(entry ?? { certificate }))
    return 0
  }
  const parsed = parse(certificate)
  const rows: [string, string][] = [
    ['subject', parsed.subject.replaceAll('\n', ', ')],
    ['names', parsed.subjectAltName ?? 'none'],
    ['issuer', parsed.issuer.replaceAll('\n', ', ')],
    ['serial', parsed.serialNumber],
    ['from', parsed.validFromDate.toISOString()],
    ['until', parsed.validToDate.toISOString()],
    ...(entry === undefined ? [] : entryRows(entry)),
  ]
  for (const line of table(rows.map(([name, text]) => [name, printable(text)]))) terminal.out(line)
  for (const line of parsed.toString().trimEnd().split('\n')) terminal.out(line)
  return 0
}

/** @throws SekishoError SESSION_UNKNOWN, IDENTITY_UNAVAILABLE */
function chosen(
  identities: Identities,
  who: string,
): { certificate: string; entry: IdentityEntry | undefined } {
  const name = AUTHORITIES.find((known) => known === who)
  if (name === undefined) {
    const entry = find(identities, who)
    return { certificate: entry.certificate, entry }
  }
  if (identities.authority !== null) {
    return { certificate: identities.authority[name], entry: undefined }
  }
  throw new SekishoError('IDENTITY_UNAVAILABLE', 'nothing certifies identities yet', {
    hint: 'unlock the root that the settings name',
  })
}

function entryRows({ key, protection, revoked }: IdentityEntry): [string, string][] {
  return [
    ['key', key],
    ['kept', protectionText(protection)],
    ['state', revoked ? 'revoked' : 'in use'],
  ]
}

async function revoke({ values, terminal, isJson }: Asked, who: string): Promise<number> {
  const { reason } = values
  if (typeof reason !== 'string' || reason === '') {
    throw new SekishoError('USAGE', 'a revocation has a reason', { hint: 'add --reason TEXT' })
  }
  const asked = { of: subjectOf(who), detail: reason.slice(0, 4096) }
  const done = await ask((peer) =>
    peer.call('identity.revoke', asked, { timeoutMs: REVOKE_TIMEOUT_MS }),
  )
  if (isJson) terminal.out(JSON.stringify(done))
  else if (done.keys.length === 0) terminal.out(`${who} was revoked before`)
  else for (const line of revokedLines(who, done.heard)) terminal.out(line)
  return done.heard.every(({ afterMs }) => afterMs !== null) ? 0 : 1
}

function revokedLines(who: string, heard: Heard): string[] {
  const late = heard.filter(({ afterMs }) => afterMs === null).map(({ name }) => name)
  const times = heard.flatMap(({ name, afterMs }) =>
    afterMs === null ? [] : `${name} ${afterMs} ms`,
  )
  return [
    `${who} is revoked; heard by ${times.join(', ')}`,
    ...(late.length === 0
      ? []
      : [`not heard by ${late.join(', ')}: the keyholder refuses all the same`]),
  ]
}

/** @throws SekishoError USAGE */
function subjectOf(who: string): IdentityOf {
  const gate = /^gate-(\d{1,2})$/.exec(who)?.[1]
  const index = GateIndex.safeParse(Number(gate))
  if (gate !== undefined && index.success) return { kind: 'gate', gate: index.data }
  const session = IdentityOf.safeParse({ kind: 'session', session: who })
  if (session.success) return session.data
  throw new SekishoError('USAGE', `${printable(who)} is neither a session nor a gate`, {
    hint: 'see `sekisho identity list`',
  })
}

function find({ entries }: Identities, who: string): IdentityEntry {
  const entry = entries.find(({ of }) => nameOf(of) === who)
  if (entry !== undefined) return entry
  throw new SekishoError('SESSION_UNKNOWN', `nobody is ${printable(who)}`, {
    hint: 'see `sekisho identity list`; of a session that has ended, `sekisho log show --session`',
  })
}

function nameOf(of: IdentityOf): string {
  return of.kind === 'gate' ? `gate-${of.gate}` : of.session
}

function protectionText({ class: kept, emulated }: Protection): string {
  return emulated ? `${kept}, emulated` : kept
}

function parse(certificate: string): X509Certificate {
  return new X509Certificate(Buffer.from(certificate, 'base64'))
}

function read(): Promise<Identities> {
  return ask((peer) => peer.call('identity.list', {}))
}

async function ask<T>(question: (peer: Peer<typeof api>) => Promise<T>): Promise<T> {
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  try {
    return await question(peer)
  } finally {
    peer.close()
  }
}
