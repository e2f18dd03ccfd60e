import { sign } from 'node:crypto'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { keyDigest } from '../policy/signing-key.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import type { Peer } from '../wire/peer.ts'
import {
  type QuarantineEntry,
  type Quarantines,
  ReleaseStatement,
  releaseBytes,
} from '../wire/quarantine.ts'
import { connect } from './client.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { defaultKeyFile, readKey } from './operator-key-file.ts'
import { printable, table } from './terminal.ts'

const USAGE =
  'sekisho quarantine list [--all] [--json] | show ID [--json] | release ID [--reason TEXT] [--key FILE] [--json]'
/** Long enough for a colleague in another time zone, too short to be forgotten. */
const CONSENT_MS = 24 * 3_600_000

export const quarantine: Command = {
  name: 'quarantine',
  summary: 'Show what tried to escape and is shut out, and agree to let it in again',
  usage: USAGE,
  async run(argv, terminal) {
    const [action, ...rest] = argv
    const { values, positionals } = jsonFlag(USAGE, rest, {
      all: { type: 'boolean', default: false },
      reason: { type: 'string' },
      key: { type: 'string' },
    })
    const asked = { values, terminal, isJson: values['json'] === true }
    if (action === 'list') return list(asked)
    if (action === 'show') return show(asked, onePositional(USAGE, positionals))
    if (action === 'release') return release(asked, onePositional(USAGE, positionals))
    throw new SekishoError('USAGE', `quarantine ${action ?? ''}`, { hint: `usage: ${USAGE}` })
  },
}

type Asked = { values: Record<string, unknown>; terminal: Terminal; isJson: boolean }

async function list({ values, terminal, isJson }: Asked): Promise<number> {
  const { entries, operators } = await read()
  const shown = entries.filter(({ releasedAt }) => values['all'] === true || releasedAt === null)
  if (isJson) terminal.out(JSON.stringify({ entries: shown, operators }))
  else {
    const rows = shown.map((entry) => [
      entry.id,
      entry.agent,
      stateOf(entry),
      entry.setAt,
      printable(entry.reason).slice(0, 100),
    ])
    for (const line of table([['ID', 'AGENT', 'STATE', 'SINCE', 'WHY'], ...rows]))
      terminal.out(line)
  }
  return 0
}

async function show({ terminal, isJson }: Asked, id: string): Promise<number> {
  const { entries, operators } = await read()
  const entry = find(entries, id)
  if (isJson) {
    terminal.out(JSON.stringify(entry))
    return 0
  }
  const { state } = pathsFrom(process.env)
  const rows: [string, string][] = [
    ['quarantine', entry.id],
    ['agent', entry.agent],
    ['definition', entry.configuration],
    ['image', entry.image ?? 'none'],
    ['why', entry.reason],
    ['since', entry.setAt],
    ['evidence', entry.evidence === null ? 'none' : join(state, 'evidence', entry.evidence)],
    ['record', entry.session === null ? 'none' : `sekisho log show --session ${entry.session}`],
    ['state', stateOf(entry)],
    ...entry.consents.map(({ operator, reason, expiresAt }): [string, string] => [
      'agreed',
      `${operator}: ${reason} (until ${expiresAt})`,
    ]),
    ['operators', operators.length === 0 ? 'none' : operators.join(', ')],
  ]
  for (const line of table(rows.map(([name, text]) => [name, printable(text)]))) terminal.out(line)
  return 0
}

async function release({ values, terminal, isJson }: Asked, id: string): Promise<number> {
  const entry = find((await read()).entries, id)
  const [first] = entry.consents
  const reason = typeof values['reason'] === 'string' ? values['reason'] : first?.reason
  if (reason === undefined) {
    throw new SekishoError('USAGE', 'a release has a reason', { hint: 'add --reason TEXT' })
  }
  const file = typeof values['key'] === 'string' ? values['key'] : defaultKeyFile()
  const { secret, publicKey } = readKey(file)
  const statement = stated({
    quarantine: entry.id,
    agent: entry.agent,
    configuration: entry.configuration,
    image: entry.image,
    reason,
    key: keyDigest(publicKey),
    expiresAt: new Date(Date.now() + CONSENT_MS).toISOString(),
  })
  const signature = sign(null, releaseBytes(statement), secret).toString('base64')
  const after = await ask((peer) => peer.call('quarantine.release', { statement, signature }))
  if (isJson) terminal.out(JSON.stringify(after))
  else for (const line of releaseLines(after)) terminal.out(printable(line))
  return 0
}

function releaseLines({ id, agent, consents, releasedAt }: QuarantineEntry): string[] {
  const names = consents.map(({ operator }) => operator).join(' and ')
  if (releasedAt !== null) return [`released by ${names}: agent ${agent} may start again`]
  const until = consents.at(-1)?.expiresAt ?? ''
  return [
    `${names} agrees to release agent ${agent}; it takes one more operator, until ${until}`,
    `next: another operator looks at it and runs \`sekisho quarantine release ${id}\``,
  ]
}

function stated(fields: ReleaseStatement): ReleaseStatement {
  const parsed = ReleaseStatement.safeParse(fields)
  if (parsed.success) return parsed.data
  throw new SekishoError('USAGE', 'the reason is no line of text', {
    hint: 'give one line of at most 1024 characters',
    cause: parsed.error,
  })
}

function stateOf({ releasedAt, consents }: QuarantineEntry): string {
  if (releasedAt !== null) return `released ${releasedAt}`
  return consents.length === 0 ? 'shut out' : `shut out, ${consents.length} of 2 agreed`
}

function find(entries: readonly QuarantineEntry[], id: string): QuarantineEntry {
  const entry = entries.find((candidate) => candidate.id === id)
  if (entry !== undefined) return entry
  throw new SekishoError('SESSION_UNKNOWN', `no quarantine ${id}`, {
    hint: 'run `sekisho quarantine list --all`',
  })
}

function read(): Promise<Quarantines> {
  return ask((peer) => peer.call('quarantine.list', {}))
}

async function ask<T>(question: (peer: Peer<typeof api>) => Promise<T>): Promise<T> {
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  try {
    return await question(peer)
  } finally {
    peer.close()
  }
}
