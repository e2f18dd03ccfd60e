import { expect, test } from 'vitest'
import { auditBundle } from '../bundle/audit-bundle.ts'
import { parseObject } from '../canonical.ts'
import { bytesInMemory } from '../bundle/read-bundle.ts'
import { writeBundle } from '../bundle/write-bundle.ts'
import { describeReport, flatReport } from '../command/describe-report.ts'
import { logIn } from '../log-files.ts'
import { formatSignature, parseNote } from '../note.ts'
import { AuditedLog, auditedSample, newPostQuantum } from '../testing/audited-log.ts'
import { member } from './fields.ts'
import { auditLog, type AuditReport, type BrokenAudit } from './audit-log.ts'

const A = 's-00000000000000000000'

function audit(made: AuditedLog): Promise<AuditReport | BrokenAudit> {
  return made.log.inDirectory((dir) => auditLog(logIn(dir), { root: made.rootPem }))
}

/** Its newest checkpoint, of 7 leaves, has both signatures; so has one of 3. */
function signedTwice(): AuditedLog {
  const made = new AuditedLog().authority().gate()
  made.write({ type: 'platform.start', version: '1', degraded: [] })
  made.log.cosigned(made.postQuantum, 0)
  made.start(A).action(A, 'a').end(A)
  made.log.cosigned(made.postQuantum, 0)
  return made
}

/** The last checkpoint line changed in the file; Ed25519 covers the text of a note alone. */
function changed(made: AuditedLog, change: (signatures: string[]) => string[]): AuditedLog {
  const lines = made.log.segments[0] ?? []
  const [text = '', end = ''] = made.log.note.split('\n\n')
  const signatures = change(end.trimEnd().split('\n'))
  lines[lines.length - 1] = JSON.stringify(`${text}\n\n${signatures.join('\n')}\n`)
  return made
}

/** The note's second signature with one bit turned. */
function flipped(line: string, at: number): string {
  const parsed = parseNote(`x\n\n${line}\n`)
  const [first] = typeof parsed === 'string' ? [] : parsed.signatures
  if (first === undefined) throw new Error('no signature')
  const signature = Buffer.from(first.signature)
  signature.writeUInt8(signature.readUInt8(at) ^ 1, at)
  return formatSignature({ ...first, signature }).trimEnd()
}

async function sessionBundle(made: AuditedLog): Promise<string> {
  return made.log.inDirectory(async (dir) => {
    const pieces: string[] = []
    for await (const piece of writeBundle(logIn(dir), { vkey: made.vkey, session: A })) {
      pieces.push(piece)
    }
    return pieces.join('')
  })
}

test('a log says how many leaves its ML-DSA-44 signatures cover', async () => {
  const made = signedTwice()
  const report = await audit(made)
  expect(report).toMatchObject({ kind: 'sound', log: { size: 7 }, lastPostQuantum: 7 })
  const whole = { ...report, scope: null }
  expect(describeReport(whole)).toContain('ML-DSA-44 signatures cover 7 of 7 leaves')
  expect(flatReport(whole)).toMatchObject({ lastPostQuantum: 7 })
  made.write({ type: 'platform.start', version: '1', degraded: [] })
  expect(await audit(made)).toMatchObject({ kind: 'sound', log: { size: 8 }, lastPostQuantum: 7 })
})

test('a log without any says so', async () => {
  const report = await audit(auditedSample())
  expect(report).toMatchObject({ kind: 'sound', lastPostQuantum: null })
  expect(describeReport({ ...report, scope: null })).toContain(
    'no checkpoint has an ML-DSA-44 signature of the log',
  )
})

test('without a root nobody says which key it is', async () => {
  const made = signedTwice()
  const report = await made.log.inDirectory((dir) => auditLog(logIn(dir), { vkey: made.vkey }))
  expect(report).toMatchObject({ kind: 'sound', depth: 'tree', lastPostQuantum: null })
})

test.for([
  { name: 'of its time', at: 7 },
  { name: 'at its start', at: 8 },
  { name: 'at its end', at: 8 + 2419 },
])('a bit flipped in the signature, $name, is broken at that checkpoint', async ({ at }) => {
  const made = changed(signedTwice(), ([own = '', second = '']) => [own, flipped(second, at)])
  expect(await audit(made)).toMatchObject({
    kind: 'broken',
    index: 7,
    segment: 1,
    line: 17,
    reason: 'an ML-DSA-44 signature that does not fit',
  })
})

test('so it is where the checkpoint seals leaves', async () => {
  const made = signedTwice()
  const at = made.now()
  made.log.leaf({ v: 2, at, type: 'platform.start', version: '1', degraded: [] })
  made.log.cosigned(made.postQuantum, 0)
  expect(await audit(made)).toMatchObject({ kind: 'sound', lastPostQuantum: 8 })
  changed(made, ([own = '', second = '']) => [own, flipped(second, 99)])
  expect(await audit(made)).toMatchObject({ kind: 'broken', index: 8, segment: 1, line: 19 })
})

test('a line cut out where the checkpoint seals leaves makes the size less', async () => {
  const made = signedTwice()
  const at = made.now()
  made.log.leaf({ v: 2, at, type: 'platform.start', version: '1', degraded: [] })
  made.log.cosigned(made.postQuantum, 0)
  changed(made, ([own = '']) => [own])
  expect(await audit(made)).toMatchObject({ kind: 'sound', log: { size: 8 }, lastPostQuantum: 7 })
})

test('the key of another log covers nothing, and no checkpoint may stand for it alone', async () => {
  const made = signedTwice()
  const at = made.now()
  made.log.leaf({ v: 2, at, type: 'platform.start', version: '1', degraded: [] })
  made.log.cosigned(newPostQuantum(), 0)
  expect(await audit(made)).toMatchObject({ kind: 'sound', log: { size: 8 }, lastPostQuantum: 7 })
  made.log.cosigned(newPostQuantum(), 0)
  expect(await audit(made)).toMatchObject({
    kind: 'broken',
    index: 8,
    line: 20,
    reason: 'a checkpoint that seals nothing, without the log’s ML-DSA-44 signature',
  })
})

test('a later authority with another such key is a finding, and that key covers nothing', async () => {
  const made = signedTwice()
  const other = newPostQuantum()
  const log = authorityLog(made)
  made.authority({ log: { ...log, vkeys: [made.vkey, other.vkey] } })
  made.log.leaf({ v: 2, at: made.now(), type: 'platform.start', version: '1', degraded: [] })
  made.log.cosigned(other, 0)
  expect(await audit(made)).toMatchObject({
    kind: 'findings',
    lastPostQuantum: 7,
    findings: [{ index: 7, kind: 'authority', reason: expect.stringContaining('another ML-DSA') }],
  })
})

function authorityLog(made: AuditedLog): object {
  const line = made.log.segments[0]?.find((text) => text.startsWith('{')) ?? '{}'
  return member(parseObject(Buffer.from(line)), 'log') ?? {}
}

test('a session’s bundle says it of its one checkpoint, and is broken by a flipped bit', async () => {
  const made = signedTwice()
  const text = await sessionBundle(made)
  const judge = (bundle: string): ReturnType<typeof auditBundle> =>
    auditBundle(bytesInMemory(Buffer.from(bundle)), { root: made.rootPem })
  expect(await judge(text)).toMatchObject({ kind: 'sound', scope: A, lastPostQuantum: 7 })
  const second = made.log.note.trimEnd().split('\n').at(-1) ?? ''
  expect(await judge(text.replace(`${second}\\n`, ''))).toMatchObject({
    kind: 'sound',
    lastPostQuantum: null,
  })
  expect(await judge(text.replace(second, flipped(second, 99)))).toMatchObject({
    kind: 'broken',
    index: 7,
    segment: 0,
    line: 2,
    reason: 'an ML-DSA-44 signature that does not fit',
  })
})
