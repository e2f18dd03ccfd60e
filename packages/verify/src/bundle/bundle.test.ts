import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logIn } from '../log-files.ts'
import { Frontier, leafHash, verifyInclusion } from '../merkle.ts'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
import { auditBundle, type BundleReport } from './audit-bundle.ts'
import { bundleFile } from './bundle-file.ts'
import { HashLevels } from './hash-levels.ts'
import { bytesInMemory } from './read-bundle.ts'
import { writeBundle } from './write-bundle.ts'

const A = 's-00000000000000000000'
const B = 's-11111111111111111111'

async function bundleOf(made: AuditedLog, session?: string, tail = ''): Promise<string> {
  return made.log.inDirectory(async (dir) => {
    const pieces: string[] = []
    for await (const piece of writeBundle(logIn(dir), { vkey: made.vkey, session })) {
      pieces.push(piece)
    }
    return pieces.join('')
  }, tail)
}

function audit(text: string, made: AuditedLog, previousCheckpoint?: string): Promise<BundleReport> {
  const options = { root: made.rootPem, previousCheckpoint }
  return auditBundle(bytesInMemory(Buffer.from(text)), options)
}

test('a whole log travels in one file, without its torn end', async () => {
  const made = auditedSample()
  const text = await bundleOf(made, undefined, '{"torn":')
  expect(text.split('\n').slice(0, 2)).toEqual(['sekisho-bundle/v1 log', 'segment 1'])
  expect(await audit(text, made, made.log.note)).toMatchObject({
    kind: 'sound',
    scope: null,
    log: { size: 17, segments: 1 },
    sessions: [{ session: A }, { session: B }],
  })
})

test('one session travels with what its signatures chain to, and nothing else', async () => {
  const made = auditedSample()
  const text = await bundleOf(made, B)
  expect(await audit(text, made, made.log.note)).toMatchObject({
    kind: 'sound',
    scope: B,
    log: { size: 17, types: { 'identity.authority': 1, 'identity.issued': 1, 'session.start': 1 } },
    sessions: [{ session: B, start: 7, end: 16, phase: 'ended' }],
  })
  expect(text).not.toContain(A)
})

test('a bundle is read from a file', async () => {
  const made = auditedSample()
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-bundle-'))
  try {
    writeFileSync(join(dir, 'b'), await bundleOf(made, A))
    const report = await auditBundle(await bundleFile(join(dir, 'b')), { root: made.rootPem })
    expect(report).toMatchObject({ kind: 'sound', scope: A })
  } finally {
    rmSync(dir, { recursive: true })
  }
})

const edited = (change: (lines: string[]) => void) => (text: string) => {
  const lines = text.split('\n')
  change(lines)
  return lines.join('\n')
}

test.for<{ name: string; of?: string; change: (text: string) => string; reason: string }>([
  { name: 'an empty file', change: () => '', reason: 'an empty file' },
  { name: 'another file', change: () => 'hello\n', reason: 'not a bundle' },
  {
    name: 'an unknown version',
    change: (text) => text.replace('/v1 ', '/v2 '),
    reason: 'a bundle of version 2, which this program does not know',
  },
  {
    name: 'an unknown kind',
    change: (text) => text.replace('/v1 log', '/v1 dog'),
    reason: 'a bundle of nothing that is known',
  },
  {
    name: 'half a bundle',
    change: (text) => text.slice(0, text.length / 2),
    reason: 'half a bundle',
  },
  {
    name: 'one that lost its end',
    change: (text) => text.replace(/end \d+\n$/, ''),
    reason: 'half a bundle: it has no end',
  },
  {
    name: 'one that lost lines in the middle',
    change: edited((lines) => lines.splice(5, 4)),
    reason: 'half a bundle: lines are missing',
  },
  {
    name: 'one with more behind its end',
    change: (text) => `${text}segment 2\n`,
    reason: 'a bundle with something behind its end',
  },
  {
    name: 'one with a segment twice',
    change: edited((lines) => lines.splice(-2, 1, 'segment 1', `end ${lines.length - 1}`)),
    reason: 'out of place',
  },
  {
    name: 'one of a session without its checkpoint',
    of: B,
    change: edited((lines) => {
      lines[1] = 'leaf 0 '
    }),
    reason: 'a bundle without a checkpoint',
  },
  {
    name: 'one of a session whose places are none',
    of: B,
    change: edited((lines) => {
      lines[2] = 'leaf x '
    }),
    reason: 'no place of a leaf',
  },
])('$name is unusable, and that is said', async ({ of, change, reason }) => {
  const made = auditedSample()
  const text = change(await bundleOf(made, of))
  await expect(audit(text, made)).rejects.toThrow(reason)
})

test.for<{ name: string; change: (text: string) => string; found: object }>([
  {
    name: 'an edited leaf',
    change: (text) => text.replace('"id":"b","outcome"', '"id":"x","outcome"'),
    found: { kind: 'broken', index: 9, reason: expect.stringContaining('it is not in the log') },
  },
  {
    name: 'a leaf at another index',
    change: (text) => text.replace('leaf 9 ', 'leaf 10 '),
    found: { kind: 'broken', index: 10, reason: expect.stringContaining('it is not in the log') },
  },
  {
    name: 'a leaf twice',
    change: edited((lines) => {
      const at = lines.findIndex((line) => line.startsWith('leaf 9 '))
      lines.splice(at, 0, ...lines.slice(at, at + 2))
      lines.splice(-2, 1, `end ${lines.length - 2}`)
    }),
    found: { kind: 'broken', index: 9, reason: 'leaves that are not in the order of the log' },
  },
  {
    name: 'a denied action left out',
    change: edited((lines) => {
      lines.splice(
        lines.findIndex((line) => line.startsWith('leaf 14 ')),
        2,
      )
      lines.splice(-2, 1, `end ${lines.length - 2}`)
    }),
    found: {
      kind: 'findings',
      findings: [{ index: 16, kind: 'completeness', counted: 2, recorded: 1 }],
    },
  },
])('a session’s bundle with $name does not pass', async ({ change, found }) => {
  const made = auditedSample()
  expect(await audit(change(await bundleOf(made, B)), made)).toMatchObject(found)
})

test('a session cannot be held against another checkpoint than its own', async () => {
  const made = auditedSample()
  const text = await bundleOf(made, B)
  const other = auditedSample()
  await expect(audit(text, made, other.log.note)).rejects.toThrow('take the whole log')
})

test('a broken log, or an unknown session, makes no bundle', async () => {
  const made = auditedSample()
  await expect(bundleOf(made, 's-99999999999999999999')).rejects.toThrow('knows no session')
  const lines = made.log.segments[0] ?? []
  lines[9] = (lines[9] ?? '').replace('a.example', 'b.example')
  await expect(bundleOf(made, B)).rejects.toThrow('broken at index 4')
})

test('every leaf of every small tree is proven by the levels', () => {
  const levels = new HashLevels()
  const frontier = Frontier.empty()
  const leaves: Buffer[] = []
  for (let size = 1; size <= 70; size += 1) {
    const leaf = leafHash(Buffer.from(String(size)))
    leaves.push(leaf)
    levels.append(leaf)
    frontier.append(leaf)
    const root = frontier.root()
    for (const [index, hash] of leaves.entries()) {
      const proof = levels.inclusion(index)
      expect(verifyInclusion({ leaf: hash, index, size, proof, root })).toBe(true)
    }
  }
})

test('no bytes make the reader fail in another way than by saying so', async () => {
  const made = auditedSample()
  const text = await bundleOf(made, B)
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.nat(255), async (at, byte) => {
      const bytes = Buffer.from(text)
      const isSame = bytes[at] === byte
      bytes[at] = byte
      const outcome = await auditBundle(bytesInMemory(bytes), { root: made.rootPem }).then(
        ({ kind }) => kind,
        (error: unknown) => (error instanceof Error ? error.name : ''),
      )
      expect(['broken', 'findings', 'UnusableInput', ...(isSame ? ['sound'] : [])]).toContain(
        outcome,
      )
    }),
    { numRuns: 60 },
  )
})
