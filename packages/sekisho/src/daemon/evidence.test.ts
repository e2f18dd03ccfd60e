import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listChanges } from './evidence-changes.ts'
import { pictureProcesses } from './evidence-processes.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-evidence-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const BOUNDS = { maxFiles: 100, maxBytes: 1024, timeoutMs: 5000 }
const layer = (): string => {
  const path = join(directory, 'layer')
  mkdirSync(path, { recursive: true })
  return path
}

describe('the list of changes', () => {
  test('names what is no file for what it is, and opens none of it', async () => {
    execFileSync('mknod', [join(layer(), 'gone'), 'c', '0', '0'])
    execFileSync('mkfifo', [join(layer(), 'pipe')]) // whoever opened it to read would wait for ever
    const { changes, incomplete } = await listChanges(layer(), BOUNDS, null)
    expect(incomplete).toBeNull()
    expect(Object.fromEntries(changes.map(({ path, kind }) => [path, kind]))).toEqual({
      gone: 'removed',
      pipe: 'other',
    })
  })

  test('keeps a name that is no UTF-8', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${layer()}/`), Buffer.from([0xff, 0x61])]), '')
    const { changes } = await listChanges(layer(), BOUNDS, null)
    expect(changes.map(({ path }) => path)).toEqual(['base64:/2E='])
  })

  test('is cut at a number of files, and says so', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(layer(), name), name)
    const { changes, incomplete } = await listChanges(layer(), { ...BOUNDS, maxFiles: 2 }, null)
    expect([changes.length, incomplete]).toEqual([2, 'more than 2 files'])
  })

  test('is cut when its time is over, and says so', async () => {
    writeFileSync(join(layer(), 'a'), 'a')
    const { changes, incomplete } = await listChanges(layer(), { ...BOUNDS, timeoutMs: -1 }, null)
    expect([changes, incomplete]).toEqual([[], 'more than -1 ms'])
  })

  test('lists a file that is too much without its content', async () => {
    writeFileSync(join(layer(), 'large'), Buffer.alloc(1025))
    const keepIn = join(directory, 'kept')
    const { changes } = await listChanges(layer(), BOUNDS, keepIn)
    expect(changes).toEqual([expect.objectContaining({ path: 'large', bytes: 1025, sha256: null })])
    expect(readdirSync(keepIn)).toEqual([])
  })
})

describe('the process table', () => {
  const procsFile = (text: string): string => {
    writeFileSync(join(directory, 'procs'), text)
    return join(directory, 'procs')
  }

  test('has the process that tried first, and passes over what has ended', async () => {
    const ended = 4_194_303 // above every pid_max
    const table = await pictureProcesses({
      procsFile: procsFile(`1\n${ended}\n0\n`),
      first: [process.pid],
      isFrozen: true,
      timeoutMs: 5000,
    })
    expect(table.processes.map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual([
      1,
      process.pid,
    ])
    expect(table.omitted).toBe(1)
  })

  test('is what was read when its time is over', async () => {
    const pids = Array.from({ length: 100 }, (_, i) => i + 1).join('\n')
    const table = await pictureProcesses({
      procsFile: procsFile(pids),
      first: [],
      isFrozen: true,
      timeoutMs: 0,
    })
    expect(table.processes.length).toBeLessThan(100)
  })
})
