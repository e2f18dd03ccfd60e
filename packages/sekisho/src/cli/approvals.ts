import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { renderHeld } from '../policy/approval-text/render-held.ts'
import { api, type WaitingHold } from '../wire/api.ts'
import type { Peer } from '../wire/peer.ts'
import { decodeBody } from './approvals-decode.ts'
import {
  chooseKind,
  confirm,
  describeResult,
  type Shown,
  seen,
  signAnswer,
  terminalQuestion,
} from './approvals-sign.ts'
import { connect } from './client.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, noPositional, onePositional } from './flags.ts'
import { defaultKeyFile, readKey } from './operator-key-file.ts'
import { printable, table } from './terminal.ts'

const USAGE =
  'sekisho approvals list [--watch] [--json] | show ID [--body FILE] [--json] | approve ID [--as initiator|approver] [--digest sha256:…] [--key FILE] [--note TEXT] [--json] | deny ID [--as …] [--key FILE] [--note TEXT] [--json]'
/** How often a list that is watched is read. */
const WATCH_MS = 1000

export const approvals: Command = {
  name: 'approvals',
  summary: 'Show which actions wait for people, and approve or deny them',
  usage: USAGE,
  async run(argv, terminal) {
    const [action, ...rest] = argv
    const { values, positionals } = jsonFlag(USAGE, rest, {
      watch: { type: 'boolean', default: false },
      body: { type: 'string' },
      key: { type: 'string' },
      as: { type: 'string' },
      note: { type: 'string' },
      digest: { type: 'string' },
    })
    const asked = { values, terminal, isJson: values['json'] === true }
    if (action === 'list') {
      noPositional(USAGE, positionals)
      return values['watch'] === true ? watch(asked) : list(asked)
    }
    if (action === 'show') return show(asked, onePositional(USAGE, positionals))
    if (action === 'approve' || action === 'deny') {
      return answer(asked, onePositional(USAGE, positionals), action)
    }
    throw new SekishoError('USAGE', `approvals ${action ?? ''}`, { hint: `usage: ${USAGE}` })
  },
}

type Asked = { values: Record<string, unknown>; terminal: Terminal; isJson: boolean }

async function list({ terminal, isJson }: Asked): Promise<number> {
  const { holds } = await ask((peer) => peer.call('approvals.list', {}))
  if (isJson) terminal.out(JSON.stringify({ holds }))
  else if (holds.length === 0) terminal.err('nothing waits')
  else for (const line of table([HEAD, ...holds.map(rowOf)])) terminal.out(line)
  return 0
}

const HEAD = ['ID', 'AGENT', 'USER', 'WAITS FOR', 'LEFT', 'WHAT']

function rowOf(hold: WaitingHold): string[] {
  const leftS = Math.max(0, Math.round((Date.parse(hold.expiresAt) - Date.now()) / 1000))
  const { id, agent, user, needs, subject } = hold
  return [id, printable(agent), printable(user), needs.join(','), `${leftS} s`, printable(subject)]
}

/** Each as it comes, until it is interrupted. */
async function watch({ terminal, isJson }: Asked): Promise<number> {
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  let known = new Set<string>()
  for (;;) {
    const { holds } = await peer.call('approvals.list', {})
    for (const hold of holds) {
      if (!known.has(hold.id)) terminal.out(isJson ? JSON.stringify(hold) : rowOf(hold).join('  '))
    }
    known = new Set(holds.map(({ id }) => id))
    await pause(WATCH_MS)
  }
}

async function show({ values, terminal, isJson }: Asked, id: string): Promise<number> {
  const shown = await read(id)
  const { body: file } = values
  if (typeof file === 'string') writeBody(file, shown)
  if (isJson) terminal.out(JSON.stringify(shown))
  else printHeld(shown, terminal)
  return 0
}

/** Each line is free of what a terminal would obey: the renderer escapes all of it. */
function printHeld({ held, needs, digest }: Shown, terminal: Terminal): void {
  const decoded = decodeBody(held)
  for (const line of renderHeld(held, { digest, needs, nowMs: Date.now(), decoded })) {
    terminal.out(line)
  }
}

function writeBody(file: string, { held: { body } }: Shown): void {
  if (body === null) throw new SekishoError('USAGE', 'it has no body')
  try {
    writeFileSync(file, Buffer.from(body.content, 'base64'), { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    throw new SekishoError('USAGE', `${file} cannot be made`, {
      hint: 'name a file that is not there yet',
      cause,
    })
  }
}

async function answer(
  { values, terminal, isJson }: Asked,
  id: string,
  verb: 'approve' | 'deny',
): Promise<number> {
  const key = readKey(typeof values['key'] === 'string' ? values['key'] : defaultKeyFile())
  const shown = await read(id)
  const kind = chooseKind(shown.needs, values['as'])
  if (verb === 'approve') {
    if (values['digest'] === undefined) printHeld(shown, terminal)
    await confirm(shown, { given: values['digest'], ask: terminalQuestion() })
  }
  const note = typeof values['note'] === 'string' ? values['note'] : ''
  const signed = signAnswer({ shown, kind, answer: verb, key, note, now: new Date() })
  const result = await ask((peer) => peer.call('approvals.answer', signed))
  const text = describeResult(result)
  terminal.out(isJson ? JSON.stringify(result) : text)
  return 0
}

async function read(id: string): Promise<Shown> {
  return seen(await ask((peer) => peer.call('approvals.show', { id: checkedId(id) })))
}

function checkedId(id: string): string {
  if (/^h-[0-9a-z]{20}$/.test(id)) return id
  throw new SekishoError('USAGE', `${id} is no id of an action that waits`, {
    hint: 'run `sekisho approvals list`',
  })
}

async function ask<T>(question: (peer: Peer<typeof api>) => Promise<T>): Promise<T> {
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  try {
    return await question(peer)
  } finally {
    peer.close()
  }
}
