import { createSocket } from 'node:dgram'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { call } from './native.ts'
import {
  codeOf,
  fact,
  type Finding,
  type Given,
  type Probe,
  type Probes,
  throws,
  told,
} from './probe.ts'

const PATIENCE_MS = 150

type Where = { host: string; port: number } | { path: string }

/** Sends a word as soon as it is connected: the canary would count it. */
function connects(where: Where, word: string): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect(where)
    const end = (held: boolean, detail: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ held, detail })
    }
    const timer = setTimeout(() => end(true, 'no answer'), PATIENCE_MS)
    socket.on('connect', () => socket.write(word, () => end(false, 'connected')))
    socket.on('error', (error) => end(true, codeOf(error)))
  })
}

async function allOf(findings: readonly Promise<Finding>[]): Promise<Finding> {
  const all = await Promise.all(findings)
  const through = all.filter(({ held }) => held !== true)
  return { held: all.length > 0 && through.length === 0, detail: all.map((f) => f.detail).join() }
}

/** The canary's count tells whether it came; here only that it was sent or could not be. */
function sends({ canary }: Given): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const told: string[] = []
    socket.on('error', (error) => told.push(codeOf(error)))
    const each = canary.addresses.filter((address) => !address.includes(':'))
    let left = each.length
    const done = (error: Error | null): void => {
      if (error !== null) told.push(codeOf(error))
      left -= 1
      if (left === 0) socket.close(() => resolve({ held: true, detail: told.join() }))
    }
    for (const address of each) socket.send(canary.word, canary.port, address, done)
    if (each.length === 0) done(null)
  })
}

const SOCKETS = [
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
  '/run/crio/crio.sock',
  '/run/dbus/system_bus_socket',
  '/run/user/0/bus',
  '/run/user/1000/bus',
  '/run/systemd/private',
  '/run/systemd/notify',
  '/run/systemd/journal/socket',
  '/run/snapd.socket',
  '/tmp/.X11-unix/X0',
  '/tmp/ssh-agent.sock',
] as const

const S_IWUSR = 0o600
const SYS = { shmget: 29, msgget: 68, semget: 64, mqOpen: 240 } as const

/** An object by a well-known key: ENOENT is what a namespace of one's own says. */
const absent = (attempt: (given: Given) => number): Probe =>
  fact((given) => {
    const value = attempt(given)
    return value === -2 ? undefined : told(value)
  })

const NETLINK = { newLink: 16, newAddress: 20, newRoute: 24, requestAndAck: 5 } as const
const NLMSG_ERROR = 2

/**
 * The one netlink that is there, which `getifaddrs` reads with: nothing may be changed through it.
 * The message is a header and a zeroed family-specific part, with the interface lo as its index.
 */
function changesNetwork(type: number): Probe {
  return () => {
    const fd = call(41, 16, 3, 0)
    if (fd < 0) return { held: true, detail: told(fd) }
    const message = Buffer.alloc(32)
    message.writeUInt32LE(message.length, 0)
    message.writeUInt16LE(type, 4)
    message.writeUInt16LE(NETLINK.requestAndAck, 6)
    message.writeInt32LE(1, 20)
    const answer = Buffer.alloc(256)
    const sent = call(44, fd, message, message.length, 0, 0, 0)
    const length = sent < 0 ? sent : call(45, fd, answer, answer.length, 0, 0, 0)
    call(3, fd)
    if (length < 0) return { held: true, detail: told(length) }
    const isError = answer.readUInt16LE(4) === NLMSG_ERROR && answer.readInt32LE(16) < 0
    return { held: isError, detail: told(answer.readInt32LE(16)) }
  }
}

export const reach: Probes = {
  'change-link': changesNetwork(NETLINK.newLink),
  'change-address': changesNetwork(NETLINK.newAddress),
  'change-route': changesNetwork(NETLINK.newRoute),
  'tcp-to-host': ({ canary }) =>
    allOf(canary.addresses.map((host) => connects({ host, port: canary.port }, canary.word))),
  'udp-to-host': sends,
  ...Object.fromEntries(
    SOCKETS.map((path) => [
      `socket${path.replaceAll(/[/.]/g, '-')}`,
      ({ canary }: Given) => connects({ path }, canary.word),
    ]),
  ),
  'planted-sockets': ({ canary }) =>
    allOf(canary.sockets.map((path) => connects({ path }, canary.word))),
  'planted-abstract-socket': ({ canary }) =>
    connects({ path: `\0${canary.abstractSocket}` }, canary.word),
  'abstract-x11': ({ canary }) => connects({ path: '\0/tmp/.X11-unix/X0' }, canary.word),
  'unix-sockets-of-others': fact(({ canary }) => {
    const table = readFileSync('/proc/net/unix', 'utf8')
    return [canary.abstractSocket, ...canary.sockets].find((name) => table.includes(name))
  }),
  interfaces: fact(() => {
    const names = readFileSync('/proc/net/dev', 'utf8')
      .split('\n')
      .slice(2)
      .map((line) => line.split(':')[0]?.trim() ?? '')
      .filter((name) => name !== '' && name !== 'lo')
    return names.length === 0 ? undefined : names.join()
  }),
  'sockets-in-files': fact(() => {
    const found = ['/run', '/tmp', '/dev', '/var', '/workspace'].flatMap((directory) =>
      readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isSocket())
        .map((entry) => `${directory}/${entry.name}`),
    )
    return found.length === 0 ? undefined : found.join()
  }),
  'shared-memory-of-host': absent(({ canary }) => call(SYS.shmget, canary.ipcKey, 0, 0)),
  'message-queue-of-host': absent(({ canary }) => call(SYS.msgget, canary.ipcKey, 0)),
  'semaphores-of-host': absent(({ canary }) => call(SYS.semget, canary.ipcKey, 0, 0)),
  'posix-queue-of-host': absent(({ canary }) =>
    call(SYS.mqOpen, canary.queue.slice(1), 0, S_IWUSR, 0),
  ),
  'shared-memory-listing': fact(({ canary }) => {
    const path = '/proc/sysvipc/shm'
    if (!existsSync(path)) return undefined
    return readFileSync(path, 'utf8').includes(String(canary.ipcKey)) ? 'listed' : undefined
  }),
  'shared-memory-files': throws(() => readFileSync('/dev/shm/sekisho-battery')),
}
