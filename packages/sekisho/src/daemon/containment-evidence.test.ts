import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ContainmentBench,
  EVIDENCE,
  FIRST,
  NOW,
  QUARANTINE,
  sha256,
} from './testing/containment.ts'

let bench: ContainmentBench
beforeEach(async () => {
  bench = await ContainmentBench.open()
})
afterEach(() => bench.close())

describe('the evidence of an attempt', () => {
  test('keeps what ran, what it tried, what it was and what it changed, for root alone', async () => {
    const attendant = bench.begin(FIRST)
    mkdirSync(bench.changed('src'))
    writeFileSync(bench.changed('src/evil.sh'), 'mount\n', { mode: 0o755 })
    symlinkSync('/etc/shadow', bench.changed('link'))
    writeFileSync(join(bench.directory, 'scratch', FIRST, 'payload'), 'x')
    bench.attempted()
    await attendant.end()
    const root = join(bench.directory, 'evidence', EVIDENCE)
    expect(readdirSync(root).toSorted()).toEqual([
      'changes',
      'changes.json',
      'index.json',
      'log.json',
      'plan.json',
      'processes.json',
      'scratch',
      'scratch.json',
      'trigger.json',
    ])
    expect(statSync(root).mode & 0o777).toBe(0o700)
    const { processes, ...rest } = JSON.parse(bench.kept('processes.json'))
    expect(rest).toEqual({ omitted: 0, isFrozen: true })
    expect(processes).toEqual([
      expect.objectContaining({
        pid: bench.child.pid,
        exe: expect.stringMatching(/sleep$/),
        cwd: '/',
        cmdline: 'sleep\u00003600\u0000',
        status: expect.stringContaining('PPid:'),
        maps: expect.stringContaining('[stack]'),
        descriptors: expect.objectContaining({ 0: '/dev/null', 2: '/dev/null' }),
      }),
    ])
    const evil = createHash('sha256').update('mount\n').digest('hex')
    const { changes, incomplete } = JSON.parse(bench.kept('changes.json'))
    expect(incomplete).toBeNull()
    expect(
      changes.toSorted((a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)),
    ).toEqual([
      expect.objectContaining({
        path: 'link',
        kind: 'symlink',
        target: '/etc/shadow',
        sha256: null,
      }),
      expect.objectContaining({ path: 'src', kind: 'directory' }),
      expect.objectContaining({
        path: 'src/evil.sh',
        kind: 'file',
        mode: 0o755,
        bytes: 6,
        sha256: `sha256:${evil}`,
      }),
    ])
    expect(readdirSync(join(root, 'changes'))).toEqual([evil])
    expect(bench.kept(`changes/${evil}`)).toBe('mount\n')
    expect(JSON.parse(bench.kept('scratch.json')).changes).toEqual([
      expect.objectContaining({ path: 'payload', sha256: sha256('x') }),
    ])
    const plan = bench.kept('plan.json')
    expect(JSON.parse(plan)).toMatchObject({
      agent: 'coder',
      environment: ['TOKEN'],
      secrets: [{ binding: { name: 'key' } }],
    })
    expect(plan).not.toMatch(/a value that may be secret|PRIVATE_NAME/)
  })

  test('is indexed with the digest of each file', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted()
    await attendant.end()
    const { files, ...about } = JSON.parse(bench.kept('index.json'))
    expect(about).toEqual({
      version: 1,
      session: FIRST,
      at: NOW.toISOString(),
      quarantine: QUARANTINE,
      failures: [],
    })
    expect(files).toEqual(
      [
        'changes.json',
        'log.json',
        'plan.json',
        'processes.json',
        'scratch.json',
        'trigger.json',
      ].map((name) => ({
        name,
        bytes: Buffer.byteLength(bench.kept(name)),
        sha256: sha256(bench.kept(name)),
      })),
    )
  })

  test('keeps the image of the changes by a second name, where there is one', async () => {
    mkdirSync(join(bench.directory, 'sessions', FIRST), { recursive: true })
    const image = join(bench.directory, 'sessions', FIRST, 'disk.img')
    writeFileSync(image, 'ext4')
    const attendant = bench.begin(FIRST)
    writeFileSync(bench.changed('file'), 'x')
    bench.attempted()
    await attendant.end()
    rmSync(image)
    expect(bench.kept('disk.img')).toBe('ext4')
    const { files } = JSON.parse(bench.kept('index.json'))
    expect(files).toContainEqual({ name: 'disk.img', bytes: 4, sha256: null })
    expect(JSON.parse(bench.kept('changes.json')).changes).toEqual([
      expect.objectContaining({ path: 'file', sha256: sha256('x') }),
    ])
    expect(readdirSync(join(bench.directory, 'evidence', EVIDENCE))).not.toContain('changes')
  })
})
