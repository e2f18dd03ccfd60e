import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HostIdBlocks, idsOf, planIds, UIDS } from './identities.ts'

const BLOCK = 65_536
/** The kernel's ids are 32-bit, and the last one means "none". */
const HIGHEST_ID = 2 ** 32 - 2

test('each kind of process has a uid of its own, which no session’s block holds', () => {
  const uids = Object.values(UIDS)
  expect(new Set(uids).size).toBe(7)
  for (const uid of uids) expect(uid).toBeLessThan(new HostIdBlocks(0).take())
})

test('blocks lie above systemd’s containers and below the end of 32 bits, and never overlap', () => {
  for (const seed of [0, 1, 491, 4_194_304]) {
    const blocks = new HostIdBlocks(seed)
    const bases = Array.from({ length: 30_000 }, () => blocks.take())
    expect(new Set(bases).size).toBe(30_000)
    expect(bases.every((base) => base % BLOCK === 0)).toBe(true)
    expect(Math.min(...bases)).toBeGreaterThanOrEqual(0x7000_0000)
    expect(Math.max(...bases) + BLOCK - 1).toBeLessThanOrEqual(HIGHEST_ID)
    expect(() => blocks.take()).toThrow('all 30000 blocks of ids are in use')
  }
})

test('a released block is the next to be given', () => {
  const blocks = new HostIdBlocks(7)
  const [first] = [blocks.take(), blocks.take()]
  blocks.release(first)
  expect(blocks.take()).toBe(first)
})

test('two instances that started one after the other begin in different places', () => {
  expect(new HostIdBlocks(1000).take()).not.toBe(new HostIdBlocks(1001).take())
})

test('no block is ever given to two at once', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.option(fc.nat({ max: 20 }))), (seed, steps) => {
      const blocks = new HostIdBlocks(seed)
      const held: number[] = []
      for (const step of steps) {
        const [returned] = step === null ? [] : held.splice(step % Math.max(held.length, 1), 1)
        if (returned === undefined) held.push(blocks.take())
        else blocks.release(returned)
        expect(new Set(held).size).toBe(held.length)
      }
    }),
  )
})

describe('in a user namespace', () => {
  const plan = planIds(65_536)

  test('all ids are mapped ones, and no block holds those of the platform’s processes', () => {
    const { first, size, count } = plan.blocks
    expect({ first, size, count }).toEqual({ first: 1024, size: 1024, count: 63 })
    for (const uid of Object.values(plan.uids)) expect(uid).toBeLessThan(first)
    expect(new Set(Object.values(plan.uids)).size).toBe(7)
    expect(first + size * count).toBeLessThanOrEqual(65_536)
  })

  test('blocks run out with a hint', () => {
    const blocks = new HostIdBlocks(5, plan)
    const bases = Array.from({ length: 63 }, () => blocks.take())
    expect(new Set(bases).size).toBe(63)
    expect(() => blocks.take()).toThrow('all 63 blocks of ids are in use')
  })

  test('an agent that writes to the user’s files is the user, everybody else of its session nobody', () => {
    expect(idsOf(4096, { writes: true }, plan)).toEqual({
      idBase: 4096,
      agentUid: 0,
      map: [
        { containerID: 0, hostID: 4096, size: 1000 },
        { containerID: 1000, hostID: 0, size: 1 },
        { containerID: 1001, hostID: 5097, size: 23 },
      ],
    })
  })

  test('any other agent is nobody', () => {
    const map = [{ containerID: 0, hostID: 4096, size: 1024 }]
    expect(idsOf(4096, { writes: false }, plan)).toEqual({ idBase: 4096, agentUid: 5096, map })
  })

  test.for([0, 1, 1001, 5119])('%d mapped ids are too few', (mapped) => {
    expect(() => planIds(mapped)).toThrow(`only ${mapped} ids are mapped here`)
  })
})

test.for([true, false])('on the host an agent has an id of its session’s block', (writes) => {
  expect(idsOf(0x7000_0000, { writes })).toEqual({
    idBase: 0x7000_0000,
    agentUid: 0x7000_0000 + 1000,
    map: [{ containerID: 0, hostID: 0x7000_0000, size: 65_536 }],
  })
})
