import { expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import type { Constraint } from '../../wire/constraints.ts'
import { gateToControl } from '../../wire/gate-control.ts'
import type { LedgerEntry } from '../../wire/ledger.ts'
import { Peer, type Transport } from '../../wire/peer.ts'
import type { SettleProblem, SettleResult } from '../../wire/solver.ts'
import { ControlLink } from '../../gate/approvals/control-link.ts'
import { LedgerClient } from '../../gate/operations/ledger-client.ts'
import { Ledger, type LedgerOptions } from './ledger.ts'

const spend: Constraint = {
  id: 'spend',
  of: {},
  measure: { kind: 'sum', argument: 'amount', min: 0, max: 1000 },
  per: 'agent',
  windowMs: 86_400_000,
  max: 9000,
}

/** The supervisor's half: what has been noted, as a file would have it. */
class Disk {
  entries: LedgerEntry[] = []
  writes = 0
  broken: SekishoError | undefined
  #next: LedgerEntry[] = []

  readonly supervisor: LedgerOptions['supervisor'] = {
    // oxlint-disable-next-line typescript/no-explicit-any -- answers by method, as the wire does
    call: async (method: string, params: any): Promise<any> => {
      await Promise.resolve()
      if (this.broken !== undefined) throw this.broken
      if (method === 'ledger.read') return { entries: this.entries, isLast: true }
      this.writes += 1
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of this test's own making
      const { entries, part } = params as { entries: LedgerEntry[]; part: string }
      if (part === 'append') this.entries.push(...entries)
      else this.#next = part === 'begin' ? [...entries] : [...this.#next, ...entries]
      if (part === 'end') this.entries = this.#next
      return {}
    },
  }
}

const asked: SettleProblem[] = []
const open = (disk: Disk, rest: Partial<LedgerOptions> = {}): Ledger =>
  new Ledger({
    supervisor: disk.supervisor,
    constraints: () => CONSTRAINTS,
    settle: (problem): Promise<SettleResult> => {
      asked.push(problem)
      return Promise.resolve({ kind: 'unknown', why: 'nobody is asked in this test' })
    },
    isRunning: () => true,
    now: () => new Date(1_800_000_000_000),
    report: () => undefined,
    ...rest,
  })
const CONSTRAINTS: readonly Constraint[] = [spend]

let ids = 0
const reserve = (
  ledger: Ledger,
  amount: number | null,
  rest: { session?: string; id?: string; amounts?: Record<string, number | null> } = {},
): Promise<{ kind: string; reason?: string }> =>
  Promise.resolve(
    ledger.handlers()['ledger.reserve'](
      {
        session: 's-1',
        agent: 'coder',
        uid: 1000,
        id: `a-${(ids += 1)}`,
        amounts: { spend: amount },
        ...rest,
      },
      undefined,
    ),
  )
const kindsOf = (results: readonly { kind: string }[]): Record<string, number> => {
  const kinds: Record<string, number> = {}
  for (const { kind } of results) kinds[kind] = (kinds[kind] ?? 0) + 1
  return kinds
}

test('fifty that race for the last unit overshoot by nothing', async () => {
  const disk = new Disk()
  const ledger = open(disk)
  await reserve(ledger, 8999)
  const results = await Promise.all(Array.from({ length: 50 }, () => reserve(ledger, 1)))
  expect(kindsOf(results)).toEqual({ reserved: 1, exceeded: 49 })
  expect(disk.entries.reduce((sum, { positive }) => sum + positive, 0)).toBe(9000)
})

test('many that wait are written together', async () => {
  const disk = new Disk()
  const ledger = open(disk)
  await Promise.all(Array.from({ length: 50 }, () => reserve(ledger, 1)))
  expect(disk.entries).toHaveLength(50)
  expect(disk.writes).toBeLessThan(5)
})

test('ten transfers of 999 against a bound of 9,000 stop at the tenth, over a restart of control', async () => {
  const disk = new Disk()
  const before = open(disk)
  for (let i = 0; i < 5; i += 1) expect((await reserve(before, 999)).kind).toBe('reserved')
  const after = open(disk)
  for (let i = 0; i < 4; i += 1) expect((await reserve(after, 999)).kind).toBe('reserved')
  expect(await reserve(after, 999)).toEqual({
    kind: 'exceeded',
    constraint: 'spend',
    reason: '8991 of at most 9000 per agent within 86400 s are taken, and this is 999 more',
  })
})

test('what was released before a restart is free after it', async () => {
  const disk = new Disk()
  const before = open(disk)
  await reserve(before, 9000, { id: 'a-released' })
  await before.handlers()['ledger.release']({ session: 's-1', id: 'a-released' }, undefined)
  await reserve(before, 1)
  expect((await reserve(open(disk), 8999)).kind).toBe('reserved')
})

test('a ledger that cannot be read or written reserves nothing', async () => {
  const disk = new Disk()
  disk.broken = new SekishoError('LOG_UNWRITABLE', 'the disk is full')
  const ledger = open(disk)
  await expect(reserve(ledger, 1)).rejects.toThrow('the disk is full')
  disk.broken = undefined
  expect((await reserve(ledger, 1)).kind).toBe('reserved')
  disk.broken = new SekishoError('LOG_UNWRITABLE', 'the disk is full again')
  await expect(reserve(ledger, 1)).rejects.toThrow('the disk is full again')
  disk.broken = undefined
  expect((await reserve(ledger, 8999)).kind).toBe('reserved')
})

test('a session that has ended reserves nothing', async () => {
  const ledger = open(new Disk(), { isRunning: (session) => session === 's-1' })
  await expect(reserve(ledger, 1, { session: 's-2' })).rejects.toMatchObject({
    code: 'SESSION_UNKNOWN',
  })
})

test('an action that began under the generation before is counted by its constraints', async () => {
  let inForce: readonly Constraint[] = CONSTRAINTS
  const ledger = open(new Disk(), { constraints: () => inForce })
  await reserve(ledger, 1)
  inForce = [{ ...spend, id: 'other' }]
  expect((await reserve(ledger, 1)).kind).toBe('reserved')
  inForce = []
  expect((await reserve(ledger, 1)).kind).toBe('exceeded')
})

test('what is written beside for long is written anew, and says the same', async () => {
  const disk = new Disk()
  const free = [{ ...spend, max: 10_000_000 }]
  const ledger = open(disk, { constraints: () => free })
  for (let i = 0; i < 21; i += 1) {
    await Promise.all(Array.from({ length: 1000 }, () => reserve(ledger, 1)))
  }
  expect(disk.entries.reduce((sum, { positive }) => sum + positive, 0)).toBe(21_000)
  ledger.sessionEnded('s-1')
  for (let i = 0; i < 21; i += 1) {
    await Promise.all(Array.from({ length: 1000 }, () => reserve(ledger, 1, { session: 's-2' })))
  }
  expect(disk.entries.length).toBeLessThan(42_000)
  expect(disk.entries.reduce((sum, { positive }) => sum + positive, 0)).toBe(42_000)
})

const pair: readonly Constraint[] = [
  { ...spend, max: 9500 },
  {
    ...spend,
    id: 'small',
    max: 100_000,
    measure: { kind: 'sum', argument: 'amount', min: 0, max: 400 },
  },
]
const unknown = { amounts: { spend: null, small: null } }

test.for([
  ['is reserved where the solver says that it holds', { kind: 'holds' }, 'reserved'],
  [
    'is refused with an example where it does not',
    { kind: 'violated', constraint: 0, values: { x0: 700 } },
    'too much if amount of a-unknown is 700',
  ],
  [
    'is refused where nobody knows',
    { kind: 'unknown', why: 'late' },
    'whether it holds could not be settled: late',
  ],
] as const)('an amount that plain evaluation cannot settle %s', async ([, answer, wanted]) => {
  const ledger = open(new Disk(), {
    constraints: () => pair,
    settle: () => Promise.resolve({ ...answer }),
  })
  await reserve(ledger, 9000)
  const result = await reserve(ledger, null, { ...unknown, id: 'a-unknown' })
  expect(result.reason ?? result.kind).toBe(wanted)
  const rest = await reserve(ledger, wanted === 'reserved' ? 501 : 500)
  expect(rest.kind).toBe(wanted === 'reserved' ? 'exceeded' : 'reserved')
})

test('a solver that fails settles nothing', async () => {
  const settle = (): Promise<SettleResult> =>
    Promise.reject(new SekishoError('TIMEOUT', 'no answer in 500 ms'))
  const ledger = open(new Disk(), { constraints: () => pair, settle })
  await reserve(ledger, 9000)
  expect((await reserve(ledger, null, unknown)).reason).toBe(
    'whether it holds could not be settled: no answer in 500 ms',
  )
})

/** Two ends of a channel that keeps order. */
const channel = (): [Transport, Transport] => {
  const ends = [
    { receive: [] as ((m: unknown) => void)[], closed: [] as (() => void)[] },
    { receive: [] as ((m: unknown) => void)[], closed: [] as (() => void)[] },
  ] as const
  const end = (own: 0 | 1): Transport => ({
    send: (message) => {
      const text = structuredClone(message)
      queueMicrotask(() => {
        for (const receive of ends[own === 0 ? 1 : 0].receive) receive(text)
      })
    },
    onMessage: (receive) => void ends[own].receive.push((message) => receive(message, undefined)),
    onClose: (closed) => void ends[own].closed.push(() => closed(undefined)),
    close: () => {
      for (const { closed } of ends) for (const tell of closed) tell()
    },
  })
  return [end(0), end(1)]
}

test('a gate is told the constraint, and that nothing is counted when control is gone', async () => {
  const [gateEnd, controlEnd] = channel()
  const served = new Peer('gate', controlEnd, {
    out: {},
    in: {
      'ledger.reserve': gateToControl['ledger.reserve'],
      'ledger.release': gateToControl['ledger.release'],
    },
    handlers: open(new Disk()).handlers(),
  })
  const link = new ControlLink()
  link.attach(gateEnd)
  const who = { session: `s-${'a'.repeat(20)}`, agent: 'coder', uid: 1000 }
  const client = new LedgerClient(link, who)
  expect(await client.reserve('a-1', { spend: 9000 })).toBeUndefined()
  expect(await client.reserve('a-2', { spend: 1 })).toMatchObject({
    kind: 'deny',
    rules: ['constraint.spend'],
  })
  client.release('a-1')
  expect(await client.reserve('a-3', { spend: 9000 })).toBeUndefined()
  served.close()
  expect(await client.reserve('a-5', { spend: 1 })).toEqual({
    kind: 'deny',
    rules: ['invariant.ledger'],
    reason: 'it cannot be counted: control is not there',
  })
})
