import { chmodSync, closeSync, rmSync } from 'node:fs'
import net from 'node:net'
import { SekishoError } from '../core/error.ts'
import { uidOutside } from '../kernel/own-ids.ts'
import { peerOf, takeDescriptor } from '../kernel/pidfd.ts'

type ClientProcess = { pid: number; uid: number; pidfd: number }

/**
 * The API socket. Connections are accepted here, because only the kernel can say who is at the
 * other end, and then handed to control, which alone reads them.
 */
export class Clients {
  readonly #clients = new Map<number, ClientProcess>()
  #server: net.Server | undefined
  #next = 1

  async listen(
    path: string,
    hand: (
      client: { connection: number; uid: number; pid: number },
      socket: net.Socket,
    ) => Promise<void>,
  ): Promise<void> {
    rmSync(path, { force: true })
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy())
      const client = this.#identify(socket)
      if (client === undefined) return
      hand(client, socket)
        .catch(() => this.release(client.connection)) // control is down: the client may try again
        .finally(() => socket.destroy()) // control has its own: else the client sees it close
    })
    const before = process.umask(0o177)
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(path, resolve)
      })
    } finally {
      process.umask(before)
    }
    chmodSync(path, 0o600)
    this.#server = server
  }

  /** Copies of the client's descriptors 0–2, owned by the caller. */
  takeDescriptors(connection: number): readonly [number, number, number] {
    const client = this.#clients.get(connection)
    if (client === undefined) throw new SekishoError('SESSION_UNKNOWN', 'the client has hung up')
    const taken: number[] = []
    try {
      for (const fd of [0, 1, 2]) taken.push(takeDescriptor(client.pidfd, fd))
    } catch (cause) {
      for (const fd of taken) closeSync(fd)
      throw new SekishoError('SANDBOX_FAILED', 'the client has no open standard streams', {
        hint: 'run it with stdin, stdout and stderr open (or from /dev/null)',
        cause,
      })
    }
    return [taken[0] ?? -1, taken[1] ?? -1, taken[2] ?? -1]
  }

  release(connection: number): void {
    const client = this.#clients.get(connection)
    if (client === undefined) return
    this.#clients.delete(connection)
    closeSync(client.pidfd)
  }

  releaseAll(): void {
    for (const connection of this.#clients.keys()) this.release(connection)
  }

  processOf(connection: number | null): { uid: number; pid: number } {
    const client = connection === null ? undefined : this.#clients.get(connection)
    return client === undefined ? { uid: 0, pid: 0 } : { uid: client.uid, pid: client.pid }
  }

  close(): void {
    this.#server?.close()
    this.releaseAll()
  }

  #identify(socket: net.Socket): { connection: number; uid: number; pid: number } | undefined {
    try {
      const { pid, uid, pidfd } = peerOf(descriptorOf(socket))
      // The socket's mode says the same; this holds even if somebody changes the mode.
      if (uid !== process.getuid?.()) {
        closeSync(pidfd)
        socket.destroy()
        return undefined
      }
      const connection = this.#next++
      const who = { pid, uid: uidOutside(uid) }
      this.#clients.set(connection, { ...who, pidfd })
      return { connection, ...who }
    } catch {
      socket.destroy() // it was gone before it could be named
      return undefined
    }
  }
}

function descriptorOf(socket: net.Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  const fd: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  if (typeof fd === 'number' && fd >= 0) return fd
  throw new SekishoError('INTERNAL', 'a connection without a descriptor')
}

/** @throws SekishoError DAEMON_RUNNING */
export async function refuseSecondDaemon(path: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const probe = net.connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (!answers) return
  throw new SekishoError('DAEMON_RUNNING', `a daemon already answers at ${path}`, {
    hint: 'use it (`sekisho status`), or stop it first',
  })
}
