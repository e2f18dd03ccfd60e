import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJsonl } from './jsonl-sink.ts'
import { openOcsf } from './ocsf-sink.ts'
import { type ExportRecord, leafRecord } from './record.ts'
import type { Sink } from './sink.ts'
import { HttpsReceiver, SECRET } from './testing/https-receiver.ts'
import { leafLine, ORIGIN } from './testing/test-log.ts'

let dir: string
let sink: Sink
const signal = new AbortController().signal
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-jsonl-'))
  sink = open()
})
afterEach(async () => {
  await sink.close()
  rmSync(dir, { recursive: true })
})

test('a line has the leaf as it stands in the log, with its id', async () => {
  await sink.send([record(0, 'a'), record(1, 'b')], signal)
  expect(lines()).toEqual([
    `{"id":"${ORIGIN}#0","index":0,"leaf":${leafLine({ type: 'platform.stop', reason: 'a' })}}`,
    `{"id":"${ORIGIN}#1","index":1,"leaf":${leafLine({ type: 'platform.stop', reason: 'b' })}}`,
  ])
})

test('what is no known leaf says so, and a heartbeat is none', async () => {
  const unknown = leafRecord(ORIGIN, {
    index: 3,
    leaf: { v: 9, type: 'x' },
    line: '{"type":"x","v":9}',
  })
  const at = '2026-01-02T03:04:05.678Z'
  await sink.send([unknown, { kind: 'heartbeat', id: 'i', at, index: 4, text: 'alive' }], signal)
  expect(lines()).toEqual([
    `{"id":"${ORIGIN}#3","index":3,"unknown":true,"leaf":{"type":"x","v":9}}`,
    `{"id":"i","index":4,"heartbeat":"alive","at":"${at}"}`,
  ])
})

test('a full file is kept under the index that follows it, and the oldest go', async () => {
  for (let i = 0; i < 6; i += 1) await sink.send([record(i, 'x'.repeat(300))], signal)
  expect(readdirSync(dir).toSorted()).toEqual([
    'archive-0000000000000004.jsonl',
    'archive-0000000000000005.jsonl',
    'archive.jsonl',
  ])
  expect(lines()[0]).toContain('"index":5')
})

test('a line that a crash cut off is ended, and what it began is written again, whole', async () => {
  await sink.send([record(0, 'a')], signal)
  await sink.close()
  appendFileSync(join(dir, 'archive.jsonl'), '{"id":"torn')
  const again = open()
  await again.send([record(1, 'b')], signal)
  await again.close()
  const [first, torn, second] = lines()
  expect(torn).toBe('{"id":"torn')
  expect([first, second].map((line) => line?.includes('"leaf"'))).toEqual([true, true])
})

test('a symbolic link in the place of the file is not followed', async () => {
  symlinkSync('/dev/null', join(dir, 'archive.jsonl'))
  await expect(sink.send([record(0, 'a')], signal)).rejects.toThrow('ELOOP')
})

test('a directory that is gone is an error, and the next try goes on once it is back', async () => {
  rmSync(dir, { recursive: true })
  await expect(sink.send([record(0, 'a')], signal)).rejects.toThrow('ENOENT')
  dir = mkdtempSync(dir.slice(0, -6))
  sink = open()
  await sink.send([record(0, 'a')], signal)
  expect(lines()).toHaveLength(1)
})

test('OCSF goes into a file, or to a collector over TLS with its headers', async () => {
  const place = { dir, version: '1', origin: ORIGIN, hostname: 'h', state: null }
  const to = { rotateBytes: 1e6, keep: 1 }
  const file = openOcsf({ name: 'archive', kind: 'ocsf', heartbeatMs: 1, to }, place)
  await file.send([record(0, 'a'), record(1, 'b')], signal)
  await file.close()
  const receiver = new HttpsReceiver()
  await receiver.listen()
  const endpoint = receiver.endpoint('/in?x=1')
  const http = openOcsf({ name: 'siem', kind: 'ocsf', heartbeatMs: 1, to: endpoint }, place)
  await http.send([record(0, 'a'), record(1, 'b')], signal)
  await http.close()
  await receiver.close()
  expect(receiver.posted).toMatchObject([
    {
      path: '/in?x=1',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${SECRET}` },
    },
  ])
  expect(receiver.posted[0]?.body.trimEnd().split('\n')).toEqual(lines())
  const uids = lines().map((line): unknown => Reflect.get(JSON.parse(line), 'metadata'))
  expect(uids).toMatchObject([{ uid: `${ORIGIN}#0` }, { uid: `${ORIGIN}#1` }])
})

function open(): Sink {
  const file = { rotateBytes: 400, keep: 2 }
  const place = { dir, version: '1', origin: ORIGIN, hostname: 'h', state: null }
  return openJsonl({ name: 'archive', kind: 'jsonl', heartbeatMs: 1, file }, place)
}

function lines(): string[] {
  return readFileSync(join(dir, 'archive.jsonl'), 'utf8').trimEnd().split('\n')
}

function record(index: number, reason: string): ExportRecord {
  const leaf = { v: 1, type: 'platform.stop', reason }
  return leafRecord(ORIGIN, { index, leaf, line: leafLine(leaf) })
}
