import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { SessionCgroup } from '../sandbox/cgroup.ts'
import { Berths } from './berths.ts'
import { HostIdBlocks } from './identities.ts'
import type { Network } from './networks.ts'

const network: Network = {
  id: 1,
  gate: 0,
  gateRestarts: 0,
  egressUsed: { bytes: 0, requests: 0 },
  before: undefined,
  agentNsFd: -1,
  gateNsFd: -1,
  tcpFd: -1,
  dnsFd: -1,
  packetFd: -1,
  release: (fd) => fd,
  close: async () => undefined,
}

function cgroup(isRemoved: boolean, did: string[]): SessionCgroup {
  return {
    joinPaths: [],
    processesFile: '',
    started: () => undefined,
    begin: () => undefined,
    limit: () => undefined,
    usage: () => ({}),
    hits: () => ({}),
    cpuMicros: () => 0,
    onMemoryLimit: () => () => undefined,
    isEmpty: () => true,
    freeze: async () => undefined,
    thaw: () => undefined,
    kill: () => void did.push('cgroup killed'),
    remove: () => {
      did.push('cgroup removed')
      return isRemoved
    },
  }
}

/** What berths are made of, each of which fails. */
const NOTHING: ConstructorParameters<typeof Berths>[0] = {
  networks: {
    make: () => Promise.reject(new Error('no networks today')),
    begin: () => undefined,
    close: () => Promise.resolve({}),
  },
  cgroups: {
    create: () => {
      throw new Error('no cgroups today')
    },
  },
  disks: { prepare: () => Promise.reject(new Error('no disks today')) },
  empty: '/nowhere',
  raise: () => Promise.reject(new Error('none is raised here')),
  usual: () => {
    throw new Error('none is raised here')
  },
  forget: () => undefined,
  hostIds: new HostIdBlocks(1),
  readyCount: 0,
  warn: () => undefined,
}

test.for([
  { name: 'a berth that is gone gives its ids back', isRemoved: true },
  { name: 'a berth whose cgroup resists keeps its ids for ever, and says so', isRemoved: false },
])('$name', async ({ isRemoved }) => {
  const did: string[] = []
  const warnings: string[] = []
  const hostIds = new HostIdBlocks(1)
  const berths = new Berths({
    ...NOTHING,
    networks: {
      ...NOTHING.networks,
      close: async () => {
        did.push('network closed')
        return { connections: 3 }
      },
    },
    forget: (name) => void did.push(`${name} forgotten`),
    hostIds,
    warn: (line) => void warnings.push(line),
  })
  const idBase = hostIds.take()
  const sandbox = { close: () => void did.push('sandbox closed') }
  const berth = {
    name: 'berth-1',
    idBase,
    network,
    cgroup: cgroup(isRemoved, did),
    sandbox,
    directory: join(tmpdir(), 'sekisho-no-such-berth'),
    mounts: [],
    disk: undefined,
  }
  expect(await berths.release(berth)).toEqual({ connections: 3 })
  expect(did).toEqual([
    'cgroup killed',
    'sandbox closed',
    'network closed',
    'berth-1 forgotten',
    'cgroup removed',
  ])
  expect(hostIds.take() === idBase).toBe(isRemoved)
  expect(warnings).toEqual(
    isRemoved ? [] : ['berth-1: its cgroup resists removal; its ids are not used again'],
  )
})

test('a berth that cannot be made leaves nothing of its parts', async () => {
  const did: string[] = []
  const hostIds = new HostIdBlocks(1)
  const berths = new Berths({
    ...NOTHING,
    networks: {
      ...NOTHING.networks,
      make: async () => network,
      close: async () => {
        did.push('network closed')
        return {}
      },
    },
    cgroups: { create: () => cgroup(true, did) },
    hostIds,
  })
  await expect(berths.take()).rejects.toThrow('no disks today')
  expect(did).toEqual(['cgroup removed', 'network closed'])
  expect(hostIds.take()).toBe(new HostIdBlocks(1).take())
})

test('while none can be made, one is tried at a time, ever more slowly, and each cause told once', async () => {
  vi.useFakeTimers()
  try {
    const warnings: string[] = []
    const tried: number[] = []
    let cause = 'no space: 17 MiB free'
    const berths = new Berths({
      ...NOTHING,
      networks: {
        ...NOTHING.networks,
        make: () => {
          tried.push(Date.now())
          return Promise.reject(new Error(cause))
        },
      },
      readyCount: 3,
      warn: (line) => void warnings.push(line),
    })
    const began = Date.now()
    berths.fill()
    await vi.advanceTimersByTimeAsync(4000)
    cause = 'no space: 3 MiB free'
    await vi.advanceTimersByTimeAsync(56_000)
    expect(tried.map((at) => (at - began) / 1000)).toEqual([0, 0, 0, 1, 3, 7, 15, 31])
    expect(warnings).toEqual([
      'no sandbox can be made ahead of its session: Error: no space: 17 MiB free',
    ])
    cause = 'no loop devices'
    await vi.advanceTimersByTimeAsync(30_000)
    expect(warnings.slice(1)).toEqual([
      'no sandbox can be made ahead of its session: Error: no loop devices',
    ])
    await berths.closeAll()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(tried).toHaveLength(9)
  } finally {
    vi.useRealTimers()
  }
})
