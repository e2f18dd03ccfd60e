import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseObject } from '../canonical.ts'
import { logIn } from '../log-files.ts'
import { writeBundle } from '../bundle/write-bundle.ts'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
import { leavesOf, rewritten } from '../testing/tamper.ts'
import { packTasks, unpackTasks } from './packed-tasks.ts'
import { SignatureThreads } from './signature-threads.ts'
import { verifyCommand } from './verify-command.ts'

const A = 's-00000000000000000000'
const THREAD = new URL('signature-thread-main.ts', import.meta.url)

let dir = ''
let made: AuditedLog
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-verify-'))
  made = auditedSample()
  writeFileSync(join(dir, 'root.pem'), made.rootPem)
  writeFileSync(join(dir, 'kept'), `${made.log.note}\n\n`)
  writeFileSync(join(dir, 'log'), textOf(made))
})
afterAll(() => rmSync(dir, { recursive: true }))

function textOf({ log }: { log: AuditedLog['log'] }): string {
  const lines = log.segments.flatMap((segment, i) => [`segment ${i + 1}`, ...segment])
  return `sekisho-bundle/v1 log\n${lines.join('\n')}\nend ${lines.length + 1}\n`
}

async function said(...argv: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const [out, err]: [string[], string[]] = [[], []]
  const output = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  return { code: await verifyCommand(argv, output), out, err }
}

test('what is sound is said to be so, with what that rests on', async () => {
  const root = made.log.note.split('\n')[2]
  expect(await said('--root', join(dir, 'root.pem'), join(dir, 'log'))).toEqual({
    code: 0,
    out: [
      `sound: 17 leaves, 17 checkpoints, root ${root}, 0 gaps, 0 actions and 0 sessions open`,
      '16 signatures by 4 certified keys',
      'no checkpoint has an ML-DSA-44 signature of the log',
    ],
    err: [],
  })
})

test('a directory, a kept checkpoint and JSON', async () => {
  await made.log.inDirectory(async (log) => {
    const [root, kept] = [join(dir, 'root.pem'), join(dir, 'kept')]
    const { code, out } = await said('--root', root, '--checkpoint', kept, '--json', log)
    expect(code).toBe(0)
    expect(parseObject(Buffer.from(out[0] ?? ''))).toMatchObject({
      kind: 'sound',
      size: 17,
      scope: null,
      checkpoint: made.log.note,
    })
  })
})

test('findings name their index, and nothing of them steers a terminal', async () => {
  const leaves = leavesOf(made)
  const evil = { v: 2, type: 'evil\u001b[2J\u202e', at: leaves[16]?.['at'] }
  const forged = rewritten(made, [...leaves, evil])
  writeFileSync(join(dir, 'forged'), textOf({ log: forged }))
  const { code, out, err } = await said('--root', join(dir, 'root.pem'), join(dir, 'forged'))
  expect({ code, out, last: err.at(-1) }).toEqual({
    code: 1,
    out: [],
    last: 'index 17, version: a leaf of type evil\\u{1b}[2J\\u{202e}, which this program does not know',
  })
})

test('one session in a bundle is named as such', async () => {
  const text = await made.log.inDirectory(async (log) => {
    const pieces: string[] = []
    for await (const piece of writeBundle(logIn(log), { vkey: made.vkey, session: A })) {
      pieces.push(piece)
    }
    return pieces.join('')
  })
  writeFileSync(join(dir, 'session'), text)
  const { code, out } = await said('--root', join(dir, 'root.pem'), join(dir, 'session'))
  expect({ code, first: out[0] }).toEqual({
    code: 0,
    first: expect.stringContaining(`sound: session ${A}, in a log of 17 leaves`),
  })
})

test.for<{ name: string; argv: () => string[]; reason: string }>([
  { name: 'nothing to verify', argv: () => [], reason: 'usage: ' },
  { name: 'an unknown flag', argv: () => ['--what', 'x'], reason: '--what' },
  { name: 'a path that is not there', argv: () => [join(dir, 'no')], reason: 'ENOENT' },
  { name: 'no root', argv: () => [join(dir, 'log')], reason: 'nothing is trusted' },
  {
    name: 'a root that is none',
    argv: () => ['--root', join(dir, 'log'), join(dir, 'log')],
    reason: 'the root: no certificate',
  },
  {
    name: 'half a bundle',
    argv: () => {
      writeFileSync(join(dir, 'half'), textOf(made).slice(0, 5000))
      return ['--root', join(dir, 'root.pem'), join(dir, 'half')]
    },
    reason: 'half a bundle',
  },
  {
    name: 'a witness without an operator',
    argv: () => ['--witness', 'x', join(dir, 'log')],
    reason: 'OPERATOR=VKEY',
  },
])('$name is exit code 2, and said', async ({ argv, reason }) => {
  const { code, out, err } = await said(...argv())
  expect({ code, out, err: err.join('\n') }).toEqual({
    code: 2,
    out: [],
    err: expect.stringContaining(reason),
  })
})

test('threads answer as this thread does, each task its own', async () => {
  const task = (text: string): { point: Buffer; signature: Buffer; message: Buffer } => ({
    point: made.gateKey.spki.subarray(-65),
    signature: Buffer.alloc(64, 1),
    message: Buffer.from(text),
  })
  const tasks = ['a', '', 'c'.repeat(70_000)].map(task)
  expect(unpackTasks(packTasks(tasks))).toEqual(tasks)
  const leaf = leavesOf(made)[5] ?? {}
  const claim = leaf['claim']
  const value = typeof claim === 'object' && claim !== null ? Reflect.get(claim, 'value') : ''
  const { outcome, session, id, type } = leaf
  const handed = JSON.stringify({ id, outcome: sorted(outcome), session, type })
  const good = {
    point: made.gateKey.spki.subarray(-65),
    signature: Buffer.from(String(value), 'base64'),
    message: Buffer.from(`sekisho/claim/v2\n${handed}`),
  }
  const threads = new SignatureThreads(THREAD, 2)
  try {
    const answers = [1, 2, 3, 4, 5].map(() => threads.check([...tasks, good]))
    expect(await Promise.all(answers)).toEqual(
      Array.from({ length: 5 }, () => [false, false, false, true]),
    )
  } finally {
    await threads.close()
  }
})

function sorted(value: unknown): unknown {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
}

test('a thread that does not start fails the audit, and does not pass it', async () => {
  const threads = new SignatureThreads(new URL('file:///nowhere/thread.ts'), 1)
  await threads.check([])
  await threads.check([])
  await expect(threads.check([])).rejects.toThrow()
  await threads.close()
})
