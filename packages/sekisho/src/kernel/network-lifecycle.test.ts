import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { bindFunction } from './libc.ts'
import * as inside from './testing/network.ts'
import { createNetwork, inNamespace, probeNetwork, type SessionNetwork } from './network.ts'

const RLIMIT_NOFILE = 7
const prlimit = bindFunction<
  [pid: number, kind: number, next: Uint8Array | null, old: Uint8Array | null]
>('int prlimit(int, int, void *, void *)')
const OWN = '/proc/thread-self/ns/net'
const openFds = (): string[] => readdirSync('/proc/self/fd').sort()
const links = (): string[] => {
  const table = readFileSync('/proc/thread-self/net/dev', 'utf8')
  return [...table.matchAll(/^ *(\w+):/gm)].map(([, name = '']) => name)
}

test('making a network leaves the thread where it was', async () => {
  const home = readlinkSync(OWN)
  const network = createNetwork()
  expect(readlinkSync(OWN)).toBe(home)
  const sides = [network.agentNsFd, network.gateNsFd].map((fd) =>
    inNamespace(fd, () => readlinkSync(OWN)),
  )
  expect(new Set([home, ...sides]).size).toBe(3)
  expect(readlinkSync(OWN)).toBe(home)
  await network.close()
})

test('what runs in a namespace may throw, and must not go on later', async () => {
  const home = readlinkSync(OWN)
  const network = createNetwork()
  const fail = (): never => {
    throw new RangeError('mine')
  }
  expect(() => inNamespace(network.agentNsFd, fail)).toThrow('mine')
  expect(() => inNamespace(network.agentNsFd, () => Promise.resolve())).toThrow(
    'a namespace is entered for synchronous work only',
  )
  expect(() => inNamespace(-1, fail)).toThrow('setns: EBADF')
  expect(readlinkSync(OWN)).toBe(home)
  await network.close()
})

test('a thread that cannot return to its own namespace ends the process', () => {
  const script = `
    const { closeSync, openSync, readdirSync, readlinkSync } = require('node:fs')
    const isNamespace = (fd) => {
      try { return readlinkSync('/proc/self/fd/' + fd).startsWith('net:') } catch { return false }
    }
    import(${JSON.stringify(import.meta.resolve('./network.ts'))}).then(({ inNamespace }) => {
      const own = openSync('/proc/self/ns/net')
      inNamespace(own, () => {
        for (const fd of readdirSync('/proc/self/fd')) {
          if (fd !== String(own) && isNamespace(fd)) closeSync(Number(fd))
        }
      })
      console.log('went on')
    })`
  const { signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
  })
  expect({ signal, stdout }).toEqual({ signal: 'SIGABRT', stdout: '' })
  expect(stderr).toContain('sekisho: cannot return to its own network namespace')
})

test.for([
  ['gate', 'agentNsFd', ['lo', 'eth0']],
  ['agent', 'gateNsFd', ['lo', 'gw0']],
] as const)(
  'closing ends the %s side, and with it the other end’s link',
  async ([, kept, before]) => {
    const network = createNetwork()
    const witness = openSync(`/proc/self/fd/${network[kept]}`, 'r')
    expect(inNamespace(witness, links)).toEqual(before)
    await network.close()
    // a link ends with the namespace of its peer, which the kernel takes down in the background
    await expect.poll(() => inNamespace(witness, links)).toEqual(['lo'])
    closeSync(witness)
  },
)

test('closing ends the steering while the agent still runs', async () => {
  const network = createNetwork()
  const witness = openSync(`/proc/self/fd/${network.agentNsFd}`, 'r')
  const { dialled } = await inside.hearConnections(network)
  await inside.runInside(witness, 'dial 192.0.2.1 1')
  await network.close()
  await inside.runInside(witness, 'dial 192.0.2.1 2')
  expect(dialled).toEqual([{ address: '::ffff:192.0.2.1', port: 1 }])
  closeSync(witness)
})

test('closing twice closes once', async () => {
  const network = createNetwork()
  const first = network.close()
  const reused = openSync('/dev/null', 'r')
  expect(network.close()).toBe(first)
  await first
  expect(readlinkSync(`/proc/self/fd/${reused}`)).toBe('/dev/null')
  closeSync(reused)
})

test('closing leaves alone what was given away', async () => {
  const network = createNetwork()
  const given = [network.tcpFd, network.dnsFd, network.packetFd].map((fd) => network.release(fd))
  await network.close()
  const kept = given.map((fd) => readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/, ''))
  expect(kept).toEqual(['socket:[]', 'socket:[]', 'socket:[]'])
  for (const fd of given) closeSync(fd)
})

test('two hundred networks leave no descriptor behind', async () => {
  await createNetwork().close()
  const before = openFds()
  for (let i = 0; i < 20; i++) {
    const networks = Array.from({ length: 10 }, createNetwork)
    await Promise.all(networks.map((network) => network.close()))
  }
  expect(openFds()).toEqual(before)
})

test('every descriptor is closed when a program is executed', async () => {
  const network = createNetwork()
  const fds = [network.agentNsFd, network.gateNsFd, network.tcpFd, network.dnsFd, network.packetFd]
  for (const fd of fds) {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
    expect(Number.parseInt(flags ?? '', 8) & 0o2000000).toBe(0o2000000)
  }
  await network.close()
})

test('running out of descriptors at any step leaves nothing open and the thread at home', async () => {
  await createNetwork().close()
  const home = readlinkSync(OWN)
  const before = openFds()
  const failures = new Set<string>()
  let made: SessionNetwork | undefined
  for (let limit = 3; made === undefined; limit++) {
    const result = withFileLimit(limit, createNetwork)
    if (result instanceof SekishoError) {
      failures.add(result.message.replace(/ .*/, ''))
      expect(openFds()).toEqual(before)
      expect(readlinkSync(OWN)).toBe(home)
    } else made = result
  }
  expect([...failures]).toEqual(expect.arrayContaining(['socket:', 'bpf:', 'EMFILE:']))
  await made.close()
  expect(openFds()).toEqual(before)
})

function withFileLimit<Result>(limit: number, run: () => Result): Result | SekishoError {
  const old = Buffer.alloc(16) // struct rlimit: soft, hard
  prlimit(0, RLIMIT_NOFILE, null, old)
  const low = Buffer.from(old)
  low.writeBigUInt64LE(BigInt(limit), 0)
  prlimit(0, RLIMIT_NOFILE, low, null)
  try {
    return run()
  } catch (thrown) {
    if (thrown instanceof SekishoError) return thrown
    throw thrown
  } finally {
    prlimit(0, RLIMIT_NOFILE, old, null)
  }
}

test('this host has what a network needs', () => {
  expect(probeNetwork()).toEqual([])
})

test.for([
  [
    'every missing capability is named',
    ['setpriv', '--bounding-set', '-net_admin,-sys_admin'],
    [
      'CAP_NET_ADMIN: run the daemon as root with it',
      'CAP_SYS_ADMIN: run the daemon as root with it',
    ],
  ],
  [
    'settings that cannot be written are named, each part for itself',
    ['unshare', '-m', 'sh', '-c', 'mount -o bind,ro /proc/sys /proc/sys && exec "$@"', 'sh'],
    [
      'network settings: cannot set net/ipv4/ip_forward to 0. Use a kernel with IPv4 and IPv6, and a writable /proc/sys/net.',
      'IPv6: cannot set net/ipv6/conf/all/forwarding to 0. Use a kernel with IPv4 and IPv6, and a writable /proc/sys/net.',
    ],
  ],
] as const)('%s', ([, [command, ...args], problems]) => {
  const module = JSON.stringify(import.meta.resolve('./network.ts'))
  const script = `import(${module}).then((m) => console.log(JSON.stringify(m.probeNetwork())))`
  const run = [...args, process.execPath, '-e', script]
  const { stdout, stderr } = spawnSync(command, run, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(problems)
})
