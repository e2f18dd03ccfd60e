import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { parseVkey } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { listEvidence } from '../witness/server/evidence.ts'
import { type ListenAt, listen } from '../witness/server/listen.ts'
import { WitnessDir } from '../witness/server/state-dir.ts'
import type { LogRow, WitnessStore } from '../witness/server/store.ts'
import { Witness } from '../witness/server/witness.ts'
import type { WitnessKey } from '../witness/server/witness-key.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, noPositional, onePositional } from './flags.ts'
import { printable } from './terminal.ts'

const USAGE =
  'sekisho witness serve [--listen HOST:PORT | --socket PATH] [--tls-cert FILE --tls-key FILE] | add-log VKEY… [--origin ORIGIN] | show | resume ORIGIN | key [--name NAME]  [--state DIR] [--json]'

const DEFAULT_PORT = 7380

export const witness: Command = {
  name: 'witness',
  summary: 'Watch over other people’s logs: cosign what grows, refuse what was changed',
  usage: USAGE,
  async run(argv, terminal) {
    const [action, ...rest] = argv
    const { values, positionals } = jsonFlag(USAGE, rest, {
      state: { type: 'string' },
      name: { type: 'string' },
      origin: { type: 'string' },
      listen: { type: 'string' },
      socket: { type: 'string' },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
    })
    const asked = { values, positionals, terminal, dir: new WitnessDir(stateOf(values)) }
    if (action === 'serve') return serve(asked)
    if (action === 'add-log') return addLog(asked)
    if (action === 'show') return show(asked)
    if (action === 'resume') return resume(asked)
    if (action === 'key') return key(asked)
    throw usage(`witness ${action ?? ''}`)
  },
}

type Asked = {
  values: Record<string, unknown>
  positionals: readonly string[]
  terminal: Terminal
  dir: WitnessDir
}

async function serve({ values, positionals, terminal, dir }: Asked): Promise<number> {
  noPositional(USAGE, positionals)
  const own = keyOf(dir, values)
  const store = dir.store()
  const alarm = (line: string): void => terminal.err(`sekisho witness: ${printable(line)}`)
  const witnessing = new Witness({
    store,
    key: own,
    evidenceDir: dir.evidence,
    now: () => new Date(),
    alarm,
  })
  const at = await addressOf(values)
  const tls = tlsOf(values)
  const listening = await listen({ at, witness: witnessing, alarm, ...(tls && { tls }) }).catch(
    (cause: unknown) => {
      throw new SekishoError('USAGE', 'it cannot listen there', {
        hint: 'name a free address of this machine with --listen HOST:PORT, or --socket PATH',
        cause,
      })
    },
  )
  // whoever reaches it may ask: a request is known by the log's signature alone
  if ('path' in at) chmodSync(at.path, 0o666)
  tellOfKey(own, terminal)
  warnOfRefused(store, terminal)
  terminal.out(`listening on ${listening.url}`)
  await new Promise<void>((stop) => {
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  })
  await listening.close()
  store.close()
  return 0
}

async function addLog({ values, positionals, terminal, dir }: Asked): Promise<number> {
  if (positionals.length === 0) throw usage('the log’s verifier key is missing')
  const names = positionals.map((vkey) => {
    try {
      return parseVkey(vkey).name
    } catch (cause) {
      throw new SekishoError('USAGE', `not a verifier key: ${printable(vkey)}`, {
        hint: 'give what `log.vkey` in the log’s state directory says, in quotes',
        cause,
      })
    }
  })
  const { origin = names[0] ?? '' } = values
  if (typeof origin !== 'string' || origin === '' || /\p{Cc}/u.test(origin)) {
    throw usage('an origin is one line')
  }
  const store = dir.store()
  store.addLog(origin, positionals)
  store.close()
  terminal.out(`watching ${printable(origin)}`)
  return 0
}

async function show({ values, positionals, terminal, dir }: Asked): Promise<number> {
  noPositional(USAGE, positionals)
  const store = dir.store()
  const logs = store.logs().map((log) => ({ ...log, newest: store.newest(log.origin) }))
  store.close()
  const evidence = listEvidence(dir.evidence)
  const isRefusing = logs.some(({ refused }) => refused !== null)
  if (values['json'] === true) {
    const shown = logs.map(({ newest, ...log }) => ({ ...log, size: newest?.size ?? null }))
    terminal.out(JSON.stringify({ logs: shown, evidence }))
    return isRefusing ? 1 : 0
  }
  if (logs.length === 0) terminal.out('no log is watched; add one with `sekisho witness add-log`')
  for (const { newest, ...log } of logs) {
    for (const line of linesOf(log, newest?.size ?? null)) terminal.out(line)
  }
  for (const name of evidence) terminal.out(`evidence ${join(dir.evidence, name)}`)
  return isRefusing ? 1 : 0
}

async function resume({ positionals, terminal, dir }: Asked): Promise<number> {
  const origin = onePositional(USAGE, positionals)
  const store = dir.store()
  const wasRefused = store.resume(origin)
  store.close()
  if (!wasRefused) throw usage(`${printable(origin)} is not refused`)
  terminal.out(`taking checkpoints of ${printable(origin)} again`)
  return 0
}

async function key({ values, positionals, terminal, dir }: Asked): Promise<number> {
  noPositional(USAGE, positionals)
  const own = keyOf(dir, values)
  const vkeys = own.cosigners.map(({ vkey }) => vkey)
  if (values['json'] === true) terminal.out(JSON.stringify({ name: own.name, vkeys }))
  else tellOfKey(own, terminal)
  return 0
}

/** Makes the key where there is none. */
function keyOf(dir: WitnessDir, { name }: Record<string, unknown>): WitnessKey {
  if (!dir.hasKey) return dir.makeKey(typeof name === 'string' ? name : `${hostname()}/witness`)
  const own = dir.key()
  if (name === undefined || name === own.name) return own
  throw usage(`this witness is ${own.name}; a witness keeps its name`)
}

function tellOfKey({ cosigners }: WitnessKey, terminal: Terminal): void {
  for (const { vkey } of cosigners) terminal.out(`vkey ${vkey}`)
}

function warnOfRefused(store: WitnessStore, terminal: Terminal): void {
  for (const { origin, refused } of store.logs()) {
    if (refused !== null)
      terminal.err(`sekisho witness: ${printable(origin)}: ${printable(refused)}`)
  }
}

function linesOf(log: LogRow, size: number | null): string[] {
  const { origin, refused, cosigned, forks, badProofs } = log
  const counted = `${cosigned} cosigned, ${forks} forks, ${badProofs} bad proofs`
  const first = `${printable(origin)}  ${size ?? 'no'} leaves  ${counted}`
  return refused === null ? [first] : [first, `  REFUSED: ${printable(refused)}`]
}

function stateOf({ state }: Record<string, unknown>): string {
  if (typeof state === 'string') return resolve(state)
  const base = process.env['XDG_STATE_HOME'] ?? ''
  return join(base.startsWith('/') ? base : join(homedir(), '.local/state'), 'sekisho-witness')
}

async function addressOf({ listen: at, socket }: Record<string, unknown>): Promise<ListenAt> {
  if (typeof socket === 'string') {
    const path = resolve(socket)
    await removeDeadSocket(path)
    return { path }
  }
  if (typeof at !== 'string') return { host: '127.0.0.1', port: DEFAULT_PORT }
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(at) ?? []
  if (host === '' || Number(port) > 65_535) throw usage(`not an address: ${printable(at)}`)
  return { host, port: Number(port) }
}

/** What a killed witness left; one that is alive answers, and keeps its socket. */
async function removeDeadSocket(path: string): Promise<void> {
  if (!existsSync(path)) return
  const isDead = await new Promise<boolean>((answer) => {
    const connection = createConnection(path)
    connection.on('connect', () => answer(false))
    connection.on('error', (error) => answer('code' in error && error.code === 'ECONNREFUSED'))
    connection.on('close', () => connection.destroy())
    connection.end()
  })
  if (isDead) rmSync(path)
}

function tlsOf(values: Record<string, unknown>): { cert: string; key: string } | undefined {
  const [cert, secret] = [values['tls-cert'], values['tls-key']]
  if (cert === undefined && secret === undefined) return undefined
  if (typeof cert !== 'string' || typeof secret !== 'string') {
    throw usage('--tls-cert and --tls-key belong together')
  }
  try {
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(secret, 'utf8') }
  } catch (cause) {
    throw new SekishoError('USAGE', 'the certificate or its key cannot be read', { cause })
  }
}

function usage(problem: string): SekishoError {
  return new SekishoError('USAGE', problem, { hint: `usage: ${USAGE}` })
}
