import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import {
  ContainmentBench,
  digest,
  EVIDENCE,
  FIRST,
  QUARANTINE,
  SECOND,
  sha256,
} from './testing/containment.ts'

let bench: ContainmentBench
beforeEach(async () => {
  bench = await ContainmentBench.open()
})
afterEach(() => bench.close())

describe('an attempt to escape', () => {
  test('freezes before it is answered, and the session is over before anything of it is copied', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted()
    expect(bench.did).toEqual([`${FIRST} freeze`])
    expect(
      bench.quarantine.refuse({
        agent: 'coder',
        configuration: digest('b'),
        rootfs: { kind: 'host' },
      })?.code,
    ).toBe('QUARANTINED')
    await attendant.end()
    expect(bench.did).toEqual([`${FIRST} freeze`, `${FIRST} stop contained`, `${FIRST} kill`])
  })

  test('leaves two leaves: who is shut out, and what was done with what evidence', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted()
    expect(await attendant.end()).toEqual({ 'containment.tolerated': 0 })
    expect(bench.leaves).toEqual([
      {
        type: 'quarantine.set',
        id: QUARANTINE,
        agent: 'coder',
        configuration: digest('a'),
        image: null,
        session: FIRST,
        reason: `it called mount in session ${FIRST}`,
      },
      {
        type: 'session.contained',
        session: FIRST,
        trigger: { kind: 'syscall', what: 'mount', pid: bench.child.pid },
        evidence: {
          name: EVIDENCE,
          digest: sha256(bench.kept('index.json')),
          processes: 1,
          firstLeaf: 7,
          lastLeaf: 41,
          failures: [],
        },
        quarantine: QUARANTINE,
        frozenAfterMs: expect.any(Number),
      },
    ])
    expect(bench.warned).toEqual([])
  })

  test('happens once, however often it is tried', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted()
    bench.attempted({ what: 'bpf', names: ['bpf'] })
    await attendant.end()
    expect(bench.did).toEqual([`${FIRST} freeze`, `${FIRST} stop contained`, `${FIRST} kill`])
    expect(bench.leaves).toHaveLength(2)
  })

  test('by an opened tripwire is the same', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted({ kind: 'tripwire', what: '/etc/shadow', names: ['/etc/shadow'] })
    await attendant.end()
    expect(bench.leaves.map(({ type }) => type)).toEqual(['quarantine.set', 'session.contained'])
    expect(bench.leaves[0]).toMatchObject({ reason: `it opened /etc/shadow in session ${FIRST}` })
  })
})

describe('what else runs', () => {
  test('another session of the agent is stopped at once; another agent goes on', async () => {
    const attendants = [
      bench.begin(FIRST),
      bench.begin(SECOND),
      bench.begin('s-00000000000000000003', { agent: 'other', configuration: digest('c') }),
    ]
    bench.attempted()
    for (const attendant of attendants) await attendant.end()
    expect(bench.did.toSorted()).toEqual([
      `${FIRST} freeze`,
      `${FIRST} kill`,
      `${FIRST} stop contained`,
      `${SECOND} freeze`,
      `${SECOND} kill`,
      `${SECOND} stop contained`,
    ])
  })

  test('a session that was starting when its agent was shut out does not begin', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted()
    expect(() => bench.begin(SECOND)).toThrow(expect.objectContaining({ code: 'QUARANTINED' }))
    await attendant.end()
  })

  test.for([
    ['a call that the agent file tolerates', ['ptrace'], 'contain'],
    ['one kind of socket that it tolerates', ['socket', 'socket:netlink-diag'], 'contain'],
    ['anything, where attempts are only recorded', ['mount'], 'record'],
  ] as const)('%s is denied, and that is all', async ([, names, onEscape]) => {
    const tolerated = ['ptrace', 'socket:netlink-diag']
    const attendant = bench.begin(FIRST, { containment: { onEscape, tolerated } })
    bench.attempted({ names })
    expect(await attendant.end()).toEqual({ 'containment.tolerated': 1 })
    expect([bench.did, bench.leaves]).toEqual([[], []])
  })

  test('another kind of socket than the tolerated one is an escape', async () => {
    const attendant = bench.begin(FIRST)
    bench.attempted({ what: 'socket:packet', names: ['socket', 'socket:packet'] })
    await attendant.end()
    expect(bench.leaves).toHaveLength(2)
  })

  test('a session that has ended is left alone', async () => {
    await bench.begin(FIRST).end()
    bench.attempted()
    expect(bench.did).toEqual([])
  })
})

describe('nothing puts the kill off', () => {
  const killed = [`${FIRST} freeze`, `${FIRST} stop contained`, `${FIRST} kill`]

  test('a cgroup that does not freeze: nothing is read that needs its memory', async () => {
    const attendant = bench.begin(FIRST, {}, { freeze: () => new Promise(() => undefined) })
    bench.attempted()
    await attendant.end() // whatever waited for the freeze would never end
    expect(bench.did).toEqual(killed)
    const { processes, isFrozen } = JSON.parse(bench.kept('processes.json'))
    expect(isFrozen).toBe(false)
    expect(processes).toEqual([
      expect.objectContaining({ pid: bench.child.pid, cmdline: null, maps: null }),
    ])
  })

  test('a cgroup that cannot be frozen', async () => {
    const attendant = bench.begin(
      FIRST,
      {},
      { freeze: () => Promise.reject(new Error('no such file')) },
    )
    bench.attempted()
    await attendant.end()
    expect(bench.did).toEqual(killed)
  })

  test('evidence that cannot be kept: the leaf says so', async () => {
    writeFileSync(join(bench.directory, 'evidence'), 'a file in the way')
    const attendant = bench.begin(FIRST)
    bench.attempted()
    await attendant.end()
    expect(bench.did).toEqual(killed)
    expect(bench.leaves.at(-1)).toMatchObject({
      type: 'session.contained',
      evidence: {
        processes: 1,
        failures: [
          expect.stringMatching(/^evidence directory: EEXIST|^evidence directory: ENOTDIR/),
          expect.stringMatching(/^trigger.json: ENOTDIR/),
          expect.stringMatching(/^plan.json: ENOTDIR/),
          expect.stringMatching(/^processes.json: ENOTDIR/),
          expect.stringMatching(/^log.json: ENOTDIR/),
          expect.stringMatching(/^changes.json: ENOTDIR/),
          expect.stringMatching(/^scratch.json: ENOTDIR/),
          expect.stringMatching(/^index.json: ENOTDIR/),
        ],
      },
    })
  })

  test('a keyholder that is gone: it is killed and shut out, and the operator is told', async () => {
    bench.logSize = () =>
      Promise.reject(new SekishoError('PEER_UNAVAILABLE', 'keyholder is not there'))
    const gone = (): Promise<void> => Promise.reject(new Error('gone'))
    const attendant = bench.begin(FIRST, {}, { record: gone })
    bench.attempted()
    await attendant.end()
    expect(bench.did).toEqual(killed)
    expect(bench.quarantine.list().entries).toHaveLength(1)
    expect(bench.warned).toEqual([
      `quarantine.set of ${FIRST} is not in the log: Error: gone`,
      `session.contained of ${FIRST} is not in the log: Error: gone`,
    ])
    expect(JSON.parse(bench.kept('index.json')).failures).toEqual([
      'log range: keyholder is not there',
    ])
  })
})
