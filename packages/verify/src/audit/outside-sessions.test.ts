import { expect, test } from 'vitest'
import { logIn } from '../log-files.ts'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
import type { Leaf } from '../testing/build-log.ts'
import { auditLog } from './audit-log.ts'
import { judge, leavesOf, rewritten } from '../testing/tamper.ts'

/** Of an operator with the log's key, where no session is open that would have to sign. */

const A = 's-00000000000000000000'
const NEVER = 's-22222222222222222222'
const [INTENT, OUTCOME, EXEC, REKEYED, DENIED] = [4, 5, 6, 12, 14]

/** One of the sample's leaves, at its end. */
function again(leaves: readonly Leaf[], index: number, by: Leaf): Leaf {
  const { sig: _, claim: __, ...leaf } = leaves[index] ?? {}
  return { ...leaf, at: leaves.at(-1)?.['at'], ...by }
}

const added: {
  name: string
  leaves: (leaves: readonly Leaf[]) => Leaf[]
  found: [number, string][]
}[] = [
  {
    name: 'a program of a session that never began',
    leaves: (leaves) => [again(leaves, EXEC, { session: NEVER })],
    found: [[17, 'signature']],
  },
  {
    name: 'a program of a session that never began, signed by another’s key',
    leaves: (leaves) => [again(leaves, EXEC, { session: NEVER, sig: leaves[EXEC]?.['sig'] })],
    found: [[17, 'signature']],
  },
  {
    name: 'an action of a session that never began, whose outcome passes for a scrubbed one',
    leaves: (leaves) => [
      again(leaves, INTENT, { session: NEVER }),
      again(leaves, OUTCOME, { session: NEVER, outcome: { kind: 'failed', message: '********' } }),
    ],
    found: [
      [17, 'signature'],
      [18, 'signature'],
    ],
  },
  {
    name: 'a refusal of a session that has ended',
    leaves: (leaves) => [again(leaves, DENIED, {})],
    found: [[17, 'signature']],
  },
  {
    name: 'a program of no session',
    leaves: (leaves) => [again(leaves, EXEC, { session: null })],
    found: [[17, 'signature']],
  },
  {
    name: 'a key for a session that has ended',
    leaves: (leaves) => [again(leaves, REKEYED, { state: undefined })],
    found: [[17, 'identity']],
  },
  {
    name: 'a state of a session that has ended',
    leaves: (leaves) => [
      again(leaves, EXEC, { type: 'session.contained', state: leaves[REKEYED]?.['state'] }),
    ],
    found: [[17, 'state']],
  },
  {
    name: 'a signature where nobody is to sign',
    leaves: (leaves) => [again(leaves, EXEC, { type: 'log.read', sig: leaves[EXEC]?.['sig'] })],
    found: [[17, 'signature']],
  },
  {
    name: 'leaves when the log’s certificate has ended, once for all of them',
    leaves: () => ['2029-01-01', '2029-01-02'].map(platformStop),
    found: [[17, 'authority']],
  },
]

test.for(added)('$name: found', async ({ leaves, found }) => {
  const made = auditedSample()
  const before = leavesOf(made)
  const forged = rewritten(made, [...before, ...leaves(before).map(withoutNothing)])
  expect(await judge(forged, { root: made.rootPem })).toEqual({ kind: 'findings', found })
})

test('what is seen as a session ends may stand after its end, unsigned, and is counted', async () => {
  const made = auditedSample()
  const leaves = leavesOf(made)
  const late = again(leaves, EXEC, { session: A })
  const log = rewritten(made, [...leaves, late])
  expect(await judge(log, { root: made.rootPem })).toEqual({ kind: 'sound', found: [] })
  expect(await lateIn(log, made)).toBe(1)
})

async function lateIn(log: ReturnType<typeof rewritten>, made: AuditedLog): Promise<number> {
  const report = await log.inDirectory((dir) => auditLog(logIn(dir), { root: made.rootPem }))
  return report.kind === 'broken' ? -1 : report.late
}

function platformStop(day: string): Leaf {
  return { v: 2, type: 'platform.stop', reason: 'x', at: `${day}T00:00:00.000Z` }
}

function withoutNothing(leaf: Leaf): Leaf {
  return Object.fromEntries(Object.entries(leaf).filter(([, value]) => value !== undefined))
}
