import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fchownSync } from 'node:fs'
import net from 'node:net'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { SekishoError } from '../core/error.ts'
import { createPipe } from '../kernel/pipes.ts'

/** Our ends of the command's standard streams. */
export type CommandStreams = { stdin: net.Socket; stdout: net.Socket; stderr: net.Socket }

/**
 * A process that waits to become the runtime of a session: already in its cgroups, with pipes of
 * its own for standard streams. Nothing the user has open is ever inherited by it.
 */
export class Launcher {
  readonly streams: CommandStreams
  /** exit code as shells say it: 128 and the signal's number for a process that was killed */
  readonly exited: Promise<number>
  readonly #process: ChildProcess
  readonly #orders: Writable
  #isGone = false

  /** @param ownerUid host id that may open the pipes again inside, as `/dev/stdout` */
  constructor(command: { file: string; args: string[] }, ownerUid: number) {
    const pipes = [createPipe(), createPipe(), createPipe()]
    const [input, output, error] = pipes
    if (input === undefined || output === undefined || error === undefined) {
      throw new SekishoError('INTERNAL', 'three pipes are three')
    }
    const theirs = [input.read, output.write, error.write]
    for (const fd of theirs) fchownSync(fd, ownerUid, ownerUid)
    this.#process = spawn(command.file, command.args, {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: [...theirs, 'pipe'],
    })
    for (const fd of theirs) closeSync(fd)
    this.streams = {
      stdin: new net.Socket({ fd: input.write, readable: false, writable: true }),
      stdout: new net.Socket({ fd: output.read, readable: true, writable: false }),
      stderr: new net.Socket({ fd: error.read, readable: true, writable: false }),
    }
    const orders = this.#process.stdio[3]
    if (!isWritable(orders)) throw new SekishoError('INTERNAL', 'no way to order the launcher')
    orders.on('error', () => undefined) // it has died: `exited` says so
    this.#orders = orders
    this.exited = new Promise((resolve) => {
      const end = (code: number): void => {
        this.#isGone = true
        resolve(code)
      }
      this.#process.once('error', () => end(125))
      this.#process.once('exit', (code, signal) => end(exitCodeOf(code, signal)))
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Still there to be launched. */
  get isWaiting(): boolean {
    return !this.#isGone && this.pid !== 0
  }

  /** @param consoleSocket path, for a session with a terminal */
  launch(session: string, consoleSocket: string | null): void {
    this.#orders.end(`${session}\n${consoleSocket ?? ''}\n`)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Lets go of our ends; a launcher that still waits ends by itself. */
  close(): void {
    this.#orders.destroy()
    for (const stream of Object.values(this.streams)) stream.destroy()
  }
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'write' in stream
}

function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}
