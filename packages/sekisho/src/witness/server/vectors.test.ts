import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noteCosigner, noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { readAnswer } from '../client/answer.ts'
import { TestLog } from '../testing/test-log.ts'
import { AT } from '../testing/test-witness.ts'
import { WitnessStore } from './store.ts'
import { type Reply, sha256Hex, Witness } from './witness.ts'

const VECTORS = new URL('../../../../verify/vectors/', import.meta.url)
const OURS = fileURLToPath(new URL('sekisho/witness.json', VECTORS))

const Step = z.object({
  name: z.string(),
  body: z.string(),
  status: z.int(),
  type: z.string().optional(),
  reply: z.string().optional(),
})
const Others = z.object({
  logs: z.array(z.object({ origin: z.string(), vkey: z.string(), steps: z.array(Step) })),
  replies: z.object({
    conflicts: z.array(z.object({ type: z.string(), body: z.string(), size: z.int().nullable() })),
  }),
})
const others = Others.parse(readJson(fileURLToPath(new URL('others/witness.json', VECTORS))))

/** Published with the vectors: keys of nothing else. */
const SEEDS = {
  log: createHash('sha256').update('sekisho vectors: log, Ed25519').digest(),
  witness: createHash('sha256').update('sekisho vectors: witness, Ed25519').digest(),
}
const key = noteCosigner('witness.example/vectors', ed25519(SEEDS.witness))

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-vectors-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function witnessOf(origin: string, vkey: string): { witness: Witness; store: WitnessStore } {
  const store = new WitnessStore(join(dir, 'witness.db'))
  store.addLog(origin, [vkey])
  const witness = new Witness({
    store,
    key: { name: key.name, cosigners: [key] },
    evidenceDir: join(dir, 'evidence'),
    now: () => AT,
    alarm: () => undefined,
  })
  return { witness, store }
}

test.each(others.logs)(
  'requests for $origin, made by others, are answered as they say',
  ({ origin, vkey, steps }) => {
    const { witness, store } = witnessOf(origin, vkey)
    for (const { name, body, status, type, reply } of steps) {
      const answer = witness.addCheckpoint(Buffer.from(body))
      expect({ name, status: answer.status }).toEqual({ name, status })
      if (reply !== undefined) expect(answer).toEqual({ status, type, body: reply })
    }
    store.close()
  },
)

test.each(others.replies.conflicts)(
  'a 409 of $type with $body says $size',
  ({ type, body, size }) => {
    const answer = readAnswer({ status: 409, type, body })
    expect(answer.kind === 'size' ? answer.size : null).toBe(size)
  },
)

/** Written where it is missing, and reproduced byte by byte ever since: Ed25519 has no randomness. */
test('our own exchange is what the file says', () => {
  const log = new TestLog(noteSigner('sekisho.example/log/vectors', ed25519(SEEDS.log)))
  const { witness, store } = witnessOf(log.signer.name, log.signer.vkey)
  const exchanges: { name: string; request: string; reply: Reply }[] = []
  const exchange = (name: string, body: Buffer): void => {
    exchanges.push({ name, request: body.toString('utf8'), reply: witness.addCheckpoint(body) })
  }
  const grow = (to: number): void => {
    while (log.size < to) log.grow(`sekisho vector leaf ${log.size}`)
  }
  grow(5)
  exchange('the first checkpoint', log.body(0))
  grow(300)
  exchange('a size that is asked for', log.body(0))
  exchange('growth from 5 to 300', log.body(5))
  exchange('the same checkpoint', log.body(300))
  exchange('an old checkpoint', log.body(5, 100))
  grow(301)
  exchange(
    'a proof from another size',
    Buffer.from(log.body(299).toString().replace('old 299', 'old 300')),
  )
  exchange(
    'an old size above the checkpoint',
    Buffer.from(log.body(0).toString().replace('old 0', 'old 302')),
  )
  exchange('no newline at the end', log.body(300).subarray(0, -1))
  const shown = witness.latest(sha256Hex(log.signer.name))
  store.close()
  const file = {
    seeds: { log: SEEDS.log.toString('base64'), witness: SEEDS.witness.toString('base64') },
    leaves: 'leaf i is the UTF-8 text "sekisho vector leaf i"',
    logVkey: log.signer.vkey,
    witnessVkey: key.vkey,
    at: AT.toISOString(),
    exchanges,
    shown: { path: `/${sha256Hex(log.signer.name)}/checkpoint`, reply: shown },
  }
  if (!existsSync(OURS)) writeFileSync(OURS, `${JSON.stringify(file, null, 2)}\n`)
  expect(readJson(OURS)).toEqual(file)
})

function ed25519(seed: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
