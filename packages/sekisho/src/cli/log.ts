import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type IndexedLeaf, readLeaves, verifyLog } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { describeLeaf } from './leaf-text.ts'

export const log: Command = {
  name: 'log',
  summary: 'Show or verify the log; works on the files, with or without a running daemon',
  usage:
    'sekisho log show [--session ID] [--denied] [--json] | log verify [--key VKEY] [--checkpoint FILE] [--json]',
  async run(argv, terminal) {
    const [action, ...rest] = argv
    if (action === 'show') return show(rest, terminal)
    if (action === 'verify') return verify(rest, terminal)
    throw new SekishoError('USAGE', `log ${action ?? ''}: show or verify`, {
      hint: `usage: ${log.usage}`,
    })
  },
}

async function show(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = jsonFlag(log.usage, argv, {
    session: { type: 'string' },
    denied: { type: 'boolean', default: false },
  })
  const session = typeof values['session'] === 'string' ? values['session'] : undefined
  for await (const entry of readLeaves(logDirectory(), { session })) {
    if (values['denied'] === true && !isDenied(entry)) continue
    terminal.out(values['json'] === true ? JSON.stringify(entry) : describeLeaf(entry))
  }
  return 0
}

/** 0 sound, 1 broken with the first bad index, 2 nothing that can be checked. */
async function verify(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = jsonFlag(log.usage, argv, {
    key: { type: 'string' },
    checkpoint: { type: 'string' },
  })
  const key = typeof values['key'] === 'string' ? values['key'] : read(keyPath())
  const path = values['checkpoint']
  const previousCheckpoint = typeof path === 'string' ? read(path) : undefined
  const known = previousCheckpoint === undefined ? {} : { previousCheckpoint }
  const result = await verifyLog(logDirectory(), key.trim(), known)
  if (values['json'] === true) terminal.out(JSON.stringify(result))
  else if (result.kind === 'sound') {
    terminal.out(
      `sound: ${result.size} leaves, ${result.checkpoints} checkpoints, root ${result.root}, ${result.gaps} gaps, ${result.open.length} open`,
    )
  } else
    terminal.err(
      `broken at index ${result.index}: ${result.reason} (${result.segment}:${result.line})`,
    )
  return result.kind === 'sound' ? 0 : 1
}

function isDenied({ leaf }: IndexedLeaf): boolean {
  const verdict = leaf['verdict']
  return typeof verdict === 'object' && verdict !== null && Reflect.get(verdict, 'kind') === 'deny'
}

function logDirectory(): string {
  return join(pathsFrom(process.env).keyholderState, 'log')
}

function keyPath(): string {
  return pathsFrom(process.env).logKey
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, {
      hint: 'start the platform once, or name the key with --key',
      cause,
    })
  }
}
