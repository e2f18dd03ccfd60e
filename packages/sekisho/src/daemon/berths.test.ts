import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SessionCgroup } from '../sandbox/cgroup.ts'
import { Berths } from './berths.ts'
import { HostIdBlocks } from './identities.ts'
import type { Network } from './networks.ts'

const network: Network = {
  id: 1,
  gate: 0,
  gateRestarts: 0,
  egressUsed: { bytes: 0, requests: 0 },
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

test.for([
  { name: 'a berth that is gone gives its ids back', isRemoved: true },
  { name: 'a berth whose cgroup resists keeps its ids for ever, and says so', isRemoved: false },
])('$name', async ({ isRemoved }) => {
  const did: string[] = []
  const warnings: string[] = []
  const hostIds = new HostIdBlocks(1)
  const berths = new Berths({
    networks: {
      make: () => Promise.reject(new Error('none is made here')),
      close: async () => {
        did.push('network closed')
        return { connections: 3 }
      },
    },
    cgroups: {
      create: () => {
        throw new Error('none is made here')
      },
    },
    disks: { prepare: () => Promise.reject(new Error('none is made here')) },
    empty: '/nowhere',
    raise: () => Promise.reject(new Error('none is raised here')),
    usual: () => {
      throw new Error('none is raised here')
    },
    forget: (name) => void did.push(`${name} forgotten`),
    hostIds,
    readyCount: 0,
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
