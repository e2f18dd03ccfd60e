/** What the tests of a session's network share: an agent's view of it. */
import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { onTestFinished } from 'vitest'
import { bindFunction, libc } from '../libc.ts'
import { inNamespace, type SessionNetwork } from '../network.ts'

export type Dialled = { address: string; port: number }

/** Answers each connection with what it dialled, and remembers it. */
export function hearConnections(
  network: SessionNetwork,
): Promise<{ server: Server; dialled: Dialled[] }> {
  const dialled: Dialled[] = []
  const server = createServer((socket) => {
    const { localAddress: address = '', localPort: port = 0 } = socket
    dialled.push({ address, port })
    socket.on('error', () => socket.destroy())
    socket.end(`${address} ${port}\n`)
  })
  onTestFinished(() => stop(server))
  return new Promise((resolve) => {
    server.listen({ fd: network.release(network.tcpFd) }, () => resolve({ server, dialled }))
  })
}

/** Also for a server that is closed already. */
export function stop(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()))
}

// a subshell, because bash ends when exec cannot redirect
const DIAL = 'dial() { (exec 3<>"/dev/tcp/$1/$2" && cat <&3); }\n'

/** Runs bash as a process of the agent's namespace; `dial ADDRESS PORT` prints what answers. */
export function runInside(namespaceFd: number, script: string): Promise<string[]> {
  const child = inNamespace(namespaceFd, () =>
    spawn('bash', ['-c', DIAL + script], { stdio: ['ignore', 'pipe', 'ignore'], timeout: 120_000 }),
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(output.split('\n').filter((line) => line !== '')))
  })
}

const connect = bindFunction<[fd: number, address: Uint8Array, length: number]>(
  'int connect(int, void *, uint32_t)',
)
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const AF_INET = 2
const AF_INET6 = 10
export const SOCK = { datagram: 2, raw: 3 } as const

type SocketOptions = { type: number; protocol?: number; port?: number; timeoutMs?: number }

/** A socket of a namespace that is connected to an address. */
export function openSocket(namespaceFd: number, to: Buffer, options: SocketOptions): number {
  const { type, protocol = 0, port = 0, timeoutMs = 2000 } = options
  const family = to.length === 4 ? AF_INET : AF_INET6
  const fd = inNamespace(namespaceFd, () => libc.socket(family, type | 0o2000000, protocol))
  const timeout = Buffer.alloc(16) // struct timeval
  timeout.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)))
  timeout.writeBigInt64LE(BigInt((timeoutMs % 1000) * 1000), 8)
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length)
  const address = Buffer.alloc(family === AF_INET ? 16 : 28) // struct sockaddr_in, sockaddr_in6
  address.writeUInt16LE(family, 0)
  address.writeUInt16BE(port, 2)
  to.copy(address, family === AF_INET ? 4 : 8)
  connect(fd, address, address.length)
  return fd
}

export function sendBytes(fd: number, bytes: Uint8Array): number {
  return libc.send.attempt(fd, bytes, bytes.length, 0)
}

/** What is there, or the negated errno. */
export function receive(fd: number, flags = 0): Buffer | number {
  const into = Buffer.alloc(2048)
  const length = libc.recv.attempt(fd, into, into.length, flags)
  return length < 0 ? length : into.subarray(0, length)
}

export function ipv4(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number))
}

/** Eight groups, nothing left out. */
export function ipv6(text: string): Buffer {
  return Buffer.from(
    text
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  )
}

/** `protocol destination` of an IP packet, the destination in hex. */
export function summarize(packet: Buffer): string {
  return packet.readUInt8(0) >> 4 === 4
    ? `${packet.readUInt8(9)} ${[...packet.subarray(16, 20)].join('.')}`
    : `${packet.readUInt8(6)} ${packet.subarray(24, 40).toString('hex')}`
}
