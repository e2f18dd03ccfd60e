import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatTlogProof, sealedLines, TILE_WIDTH } from '@sekisho/verify'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { type LogHead, openHead } from './log-head.ts'
import { unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'

type Proven = { index: number; leaf: Buffer; proof: string }

/**
 * Prints C2SP tlog-proofs, each with its leaf as the extra data: who has the log's key needs
 * nothing else. An action has several leaves; each is proven by itself.
 */
export async function prove(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    session: { type: 'string' },
    out: { type: 'string' },
    log: { type: 'string' },
    key: { type: 'string' },
  })
  const wanted = onePositional(usage, positionals)
  await recordReading({ what: 'export', query: ['prove', ...argv], log: values['log'] }, terminal)
  const head = await openHead(values)
  const proven = await proveLeaves(wanted, values['session'], head).catch((error: unknown) => {
    throw unreadable(head.directory, error)
  })
  if (typeof values['out'] === 'string') writeProofs(values['out'], proven, terminal)
  else if (values['json'] === true) {
    for (const { index, leaf, proof } of proven) {
      terminal.out(JSON.stringify({ index, leaf: leaf.toString('utf8'), proof }))
    }
  } else for (const { proof } of proven) terminal.out(proof.trimEnd())
  return 0
}

async function proveLeaves(wanted: string, session: unknown, head: LogHead): Promise<Proven[]> {
  const indexes = /^\d{1,15}$/.test(wanted)
    ? [Number(wanted)]
    : await leavesOf(wanted, session, head)
  const { size } = head.checkpoint
  if (indexes.length === 0 || indexes.some((index) => index >= size)) {
    throw new SekishoError(
      'LEAF_UNKNOWN',
      `the log has no leaf ${wanted} among its first ${size}`,
      {
        hint: 'give an index or an id that `sekisho log show --json` prints',
      },
    )
  }
  return Promise.all(indexes.map((index) => proveLeaf(index, head)))
}

async function proveLeaf(index: number, { note, proofs }: LogHead): Promise<Proven> {
  const bundle = await proofs.bundle(Math.floor(index / TILE_WIDTH))
  const leaf = bundle[index % TILE_WIDTH] ?? Buffer.alloc(0)
  const hashes = await proofs.inclusion(index)
  return { index, leaf, proof: formatTlogProof({ index, hashes, checkpoint: note, extra: leaf }) }
}

/** Those that have the id, of one session or of any. */
async function leavesOf(id: string, session: unknown, head: LogHead): Promise<number[]> {
  const needle = Buffer.from(`"id":${JSON.stringify(id)}`)
  const found: number[] = []
  for await (const leaves of sealedLines(head.directory)) {
    for (const { index, bytes } of leaves) {
      if (!bytes.includes(needle)) continue // parsing is what takes long
      const leaf: unknown = parseJson(bytes.toString('utf8'))
      if (isOf(leaf, { id, session })) found.push(index)
    }
  }
  return found
}

function isOf(leaf: unknown, wanted: { id: string; session: unknown }): boolean {
  if (typeof leaf !== 'object' || leaf === null) return false
  const { session } = wanted
  const isOfSession = typeof session !== 'string' || Reflect.get(leaf, 'session') === session
  return isOfSession && Reflect.get(leaf, 'id') === wanted.id
}

function writeProofs(directory: string, proven: readonly Proven[], terminal: Terminal): void {
  mkdirSync(directory, { recursive: true })
  for (const { index, proof } of proven) {
    const path = join(directory, `${index}.tlog-proof`)
    writeFileSync(path, proof)
    terminal.out(path)
  }
}
