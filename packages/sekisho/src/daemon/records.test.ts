import { expect, test } from 'vitest'
import type { LeafInput } from '../wire/leaves.ts'
import { DenialRecords } from './records.ts'

const SESSION = 's-00000000000000000000'
const mount = {
  kind: 'process.syscall' as const,
  syscall: 'mount',
  args: ['0x0'],
  pid: 7,
  command: 'sh',
}

function scene(): {
  denials: DenialRecords
  leaves: LeafInput[]
  pass: (ms: number) => void
  breakLog: (isBroken: boolean) => void
} {
  let nowMs = 1000
  let isBroken = false
  const leaves: LeafInput[] = []
  const denials = new DenialRecords({
    session: SESSION,
    record: async (leaf) => {
      if (isBroken) throw new Error('ENOSPC')
      leaves.push(leaf)
    },
    nowMs: () => nowMs,
  })
  const pass = (ms: number): void => {
    nowMs += ms
  }
  const breakLog = (to: boolean): void => {
    isBroken = to
  }
  return { denials, leaves, pass, breakLog }
}

async function deny(denials: DenialRecords, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await denials.deny(mount, 'invariant.syscall', 'no mount')
}

function repeatedOf(leaves: readonly LeafInput[]): number[] {
  return leaves.flatMap((leaf) => (leaf.type === 'action.intent' ? [leaf.repeated] : []))
}

test('a denial is one record, of what was tried and why not', async () => {
  const { denials, leaves } = scene()
  await deny(denials, 1)
  expect(leaves).toEqual([
    {
      type: 'action.intent',
      session: SESSION,
      id: 'k1',
      action: mount,
      verdict: { kind: 'deny', rules: ['invariant.syscall'], reason: 'no mount' },
      credentials: [],
      repeated: 0,
    },
  ])
})

test('a hundred at once are recorded one by one; the rest are counted into the next record', async () => {
  const { denials, leaves, pass } = scene()
  await deny(denials, 130)
  expect(leaves).toHaveLength(100)
  pass(50) // one more token, at 20 a second
  await deny(denials, 2)
  expect(repeatedOf(leaves).slice(99)).toEqual([0, 30])
  expect(denials.count).toBe(132)
})

test('a new kind of attempt is recorded by itself, however loud the others were', async () => {
  const { denials, leaves } = scene()
  await deny(denials, 150)
  await denials.deny({ ...mount, syscall: 'bpf' }, 'invariant.syscall', 'bpf')
  await denials.deny({ ...mount, syscall: 'bpf' }, 'invariant.syscall', 'bpf')
  expect(leaves).toHaveLength(101)
  expect(leaves.at(-1)).toMatchObject({ action: { syscall: 'bpf' }, repeated: 50 })
  expect(denials.count).toBe(152)
})

test('tokens do not pile up beyond the burst', async () => {
  const { denials, leaves, pass } = scene()
  pass(3_600_000)
  await deny(denials, 150)
  expect(leaves).toHaveLength(100)
})

test('a clock that goes back gives no tokens and takes none', async () => {
  const { denials, leaves, pass } = scene()
  await deny(denials, 99)
  pass(-10_000)
  await deny(denials, 2)
  expect(leaves).toHaveLength(100)
})

test('what is left at the end is one record that counts the others', async () => {
  const { denials, leaves } = scene()
  await deny(denials, 107)
  await denials.flush()
  expect(leaves.at(-1)).toMatchObject({
    action: { kind: 'process.syscall', syscall: 'many' },
    verdict: { rules: ['invariant.flood'], reason: expect.stringMatching(/^7 more denials/) },
    repeated: 6,
  })
  expect(denials.count).toBe(107)
  await denials.flush()
  expect(leaves).toHaveLength(101)
})

test('nothing is written at the end of a quiet session', async () => {
  const { denials, leaves } = scene()
  await deny(denials, 3)
  await denials.flush()
  expect(leaves).toHaveLength(3)
})

test('a record that fails is the caller’s to know, and counted into the next one', async () => {
  const { denials, leaves, pass, breakLog } = scene()
  await deny(denials, 104)
  pass(1000)
  breakLog(true)
  for (let n = 0; n < 3; n++) await expect(deny(denials, 1)).rejects.toThrow('ENOSPC')
  breakLog(false)
  await deny(denials, 1)
  expect(repeatedOf(leaves).at(-1)).toBe(7)
  const recorded = leaves.length + repeatedOf(leaves).reduce((sum, count) => sum + count, 0)
  expect(recorded).toBe(denials.count)
})

test('an end that fails loses no count, and can be tried again', async () => {
  const { denials, leaves, breakLog } = scene()
  await deny(denials, 105)
  breakLog(true)
  await expect(denials.flush()).rejects.toThrow('ENOSPC')
  breakLog(false)
  await denials.flush()
  expect(repeatedOf(leaves).at(-1)).toBe(4)
})
