import { createHash, randomBytes } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, closeSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { attemptSyscall, syscall } from '../../kernel/libc.ts'
import { inNewNamespace } from '../../kernel/network-namespace.ts'
import type { Canary } from './inside/probe.ts'

const SYS = {
  shmget: 29,
  shmctl: 31,
  semget: 64,
  semctl: 66,
  msgget: 68,
  msgctl: 71,
  mqOpen: 240,
  mqUnlink: 241,
  addKey: 248,
  keyctl: 250,
} as const
const IPC_CREAT_EXCL_FOR_ALL = 0o3666
const IPC_RMID = 0
const O_CREAT_RDWR = 0o102
const SESSION_KEYRING = -3
const KEYCTL = { unlink: 9, read: 11 } as const
const KEY = 'sekisho-battery'

/** What must be as it was after the battery, whatever was tried. */
const WATCHED = [
  '/etc/shadow',
  '/etc/passwd',
  '/etc/group',
  '/etc/hostname',
  '/proc/sys/kernel/core_pattern',
]

/** What is planted on the host for the battery to look for, and what tells whether it was reached. */
export type Scene = {
  canary: Omit<Canary, 'word'>
  /** a secret file: a descriptor of it is what a careless runtime would pass on */
  secret: string
  /** directory of a socket named as a container engine's, for everybody */
  socketDirectory: string
  /** a machine id that is not the session's */
  machineIdFile: string
  /** another session's network namespace, with the same listener in it */
  otherNamespaceFd: number
  /**
   * What has changed, or was reached by the sandbox with this word; empty when all is as it should
   * be.
   */
  disturbed(word: string, programs: readonly string[]): string[]
  close(): Promise<void>
}

/**
 * @param directory private to the battery, absolute, readable by everybody below
 * @throws SekishoError when this process may not make what is to be planted
 */
export async function plantScene(directory: string): Promise<Scene> {
  const files = plantFiles(directory)
  const listeners = await listen(join(directory, 'sockets'))
  const ipc = plantIpc()
  const key = plantKey()
  const watched = [...WATCHED.filter((path) => existsSync(path)), ...files]
  const before = new Map(watched.map((path) => [path, digest(path)]))
  return {
    canary: { ...listeners.canary, files, ipcKey: ipc.key, queue: ipc.queue },
    secret: files[0] ?? '',
    socketDirectory: join(directory, 'sockets'),
    machineIdFile: files[2] ?? '',
    otherNamespaceFd: listeners.otherNamespaceFd,
    disturbed: (word, programs) => {
      for (const path of programs) if (!before.has(path)) before.set(path, digest(path))
      const changed = [...before].filter(([path, was]) => digest(path) !== was)
      return [
        ...changed.map(([path]) => `${path} has changed`),
        ...(listeners.heard(word) ? ['bytes at the canary'] : []),
        ...(ipc.isThere() ? [] : ['an object of the host’s IPC is gone']),
        ...(key.isThere() ? [] : ['a key of the host’s is gone']),
      ]
    },
    close: async () => {
      ipc.remove()
      key.remove()
      await listeners.close()
    },
  }
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function plantFiles(directory: string): string[] {
  mkdirSync(join(directory, 'other-session', 'workspace'), { recursive: true, mode: 0o755 })
  const files = {
    secret: randomBytes(16).toString('hex'),
    'other-session/workspace/notes': 'of another session\n',
    'machine-id': `${randomBytes(16).toString('hex')}\n`,
  }
  return Object.entries(files).map(([name, content]) => {
    writeFileSync(join(directory, name), content, { mode: 0o644 })
    return join(directory, name)
  })
}

type Listeners = {
  canary: Pick<Canary, 'port' | 'addresses' | 'abstractSocket' | 'sockets'>
  otherNamespaceFd: number
  heard(word: string): boolean
  close(): Promise<void>
}

async function listen(directory: string): Promise<Listeners> {
  mkdirSync(directory, { mode: 0o755 })
  const words = new Set<string>()
  const hear = (chunk: Buffer): void => void words.add(chunk.toString('latin1'))
  const server = (): Server =>
    createServer((socket) => socket.on('error', () => undefined).on('data', hear))
  const tcp = server().listen(0)
  await once(tcp, 'listening')
  const address = tcp.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const udp: Socket = createSocket('udp4').on('message', hear).bind(port)
  await once(udp, 'listening')
  const abstractSocket = `sekisho-battery-${process.pid}`
  const paths = ['docker.sock', 'bus'].map((name) => join(directory, name))
  const named = [`\0${abstractSocket}`, ...paths].map((path) => server().listen(path))
  await Promise.all(named.map((each) => once(each, 'listening')))
  for (const path of paths) chmodSync(path, 0o777)
  const { other, fd } = inNewNamespace((namespaceFd) => {
    spawnSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'pipe' })
    return { other: server().listen(port), fd: namespaceFd }
  })
  const servers = [tcp, other, ...named]
  return {
    canary: { port, addresses: ownAddresses(), abstractSocket, sockets: paths },
    otherNamespaceFd: fd,
    heard: (word) => words.has(word),
    close: async () => {
      udp.close()
      await Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))))
      closeSync(fd)
    },
  }
}

const MAX_ADDRESSES = 8

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  const plain = all.map(({ address }) => address).filter((address) => !address.startsWith('fe80'))
  return [...new Set(['127.0.0.1', '::1', ...plain])].slice(0, MAX_ADDRESSES)
}

type Planted = { isThere(): boolean; remove(): void }

function plantIpc(): Planted & { key: number; queue: string } {
  const key = 0x5e000000 + (process.pid & 0xffffff)
  const queue = `/sekisho-battery-${process.pid}`
  const segment = syscall('shmget', SYS.shmget, key, 4096, IPC_CREAT_EXCL_FOR_ALL)
  const messages = syscall('msgget', SYS.msgget, key, IPC_CREAT_EXCL_FOR_ALL)
  const semaphores = syscall('semget', SYS.semget, key, 1, IPC_CREAT_EXCL_FOR_ALL)
  const name = Buffer.from(`${queue.slice(1)}\0`)
  closeSync(syscall('mq_open', SYS.mqOpen, name, O_CREAT_RDWR, 0o666, 0))
  return {
    key,
    queue,
    isThere: () =>
      attemptSyscall(SYS.shmget, key, 0, 0) === segment &&
      attemptSyscall(SYS.msgget, key, 0) === messages &&
      attemptSyscall(SYS.semget, key, 0, 0) === semaphores,
    remove: () => {
      syscall('shmctl', SYS.shmctl, segment, IPC_RMID, 0)
      syscall('msgctl', SYS.msgctl, messages, IPC_RMID, 0)
      syscall('semctl', SYS.semctl, semaphores, 0, IPC_RMID, 0)
      syscall('mq_unlink', SYS.mqUnlink, name)
    },
  }
}

/** In the keyring that a sandbox inherits from a runtime that makes none of its own. */
function plantKey(): Planted {
  const text = (value: string): Buffer => Buffer.from(`${value}\0`)
  const secret = randomBytes(16)
  const key = syscall(
    'add_key',
    SYS.addKey,
    text('user'),
    text(KEY),
    secret,
    secret.length,
    SESSION_KEYRING,
  )
  return {
    isThere: () => {
      const found = Buffer.alloc(secret.length)
      const length = attemptSyscall(SYS.keyctl, KEYCTL.read, key, found, found.length)
      return length === secret.length && found.equals(secret)
    },
    remove: () => void syscall('keyctl', SYS.keyctl, KEYCTL.unlink, key, SESSION_KEYRING),
  }
}
