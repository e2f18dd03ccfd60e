import { type ChildProcess, fork } from 'node:child_process'
import { generateKeyPairSync, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner, readLeaves, verifyLog } from '@sekisho/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLog } from './open-log.ts'

const RUNS = 32
const WRITER = new URL('../testing/crash-writer.ts', import.meta.url)
const { privateKey } = generateKeyPairSync('ed25519')
const signer = noteSigner('sekisho/log/test', privateKey)

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-crash-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

test(`killed ${RUNS} times under load, the log keeps every leaf that was acknowledged`, async () => {
  const acknowledged = new Map<number, string>()
  let previousCheckpoint: string | undefined
  for (let run = 0; run < RUNS; run++) {
    await writeUntilKilled(`run${run}`, acknowledged)
    const report = await verifyLog(dir, signer.vkey, { previousCheckpoint })
    if (report.kind === 'broken') throw new Error(`run ${run}: ${JSON.stringify(report)}`)
    previousCheckpoint = report.checkpoint ?? undefined
  }
  await (await openLog({ dir, signer, now: () => new Date() })).close()
  expect(await verifyLog(dir, signer.vkey, { previousCheckpoint })).toMatchObject({
    kind: 'sound',
    open: [],
  })
  const found = new Map<number, unknown>()
  for await (const { index, leaf } of readLeaves(dir)) found.set(index, leaf['id'])
  expect(acknowledged.size).toBeGreaterThan(RUNS)
  for (const [index, id] of acknowledged) expect([index, found.get(index)]).toEqual([index, id])
}, 60_000)

/** SIGKILL after a random number of acknowledgements: somewhere between two of them. */
async function writeUntilKilled(run: string, acknowledged: Map<number, string>): Promise<void> {
  const callers = String(randomInt(1, 65))
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const child = fork(WRITER, [dir, pem, callers, run], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  let left = randomInt(1, 150)
  child.on('message', (message: { index: number; id: string }) => {
    acknowledged.set(message.index, message.id)
    left -= 1
    if (left === 0) child.kill('SIGKILL')
  })
  const [, signal] = await exited
  await drained(child)
  expect(signal).toBe('SIGKILL')
}

/** What was sent before the kill is still in the channel. */
async function drained(child: ChildProcess): Promise<void> {
  if (child.connected) await once(child, 'disconnect')
}
