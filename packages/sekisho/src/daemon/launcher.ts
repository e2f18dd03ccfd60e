import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fchownSync } from 'node:fs'
import net from 'node:net'
import { constants } from 'node:os'
import { SekishoError } from '../core/error.ts'
import { createPipe } from '../kernel/pipes.ts'

/** Our ends of the command's standard streams. */
export type CommandStreams = { stdin: net.Socket; stdout: net.Socket; stderr: net.Socket }

/** What a runtime that fails has to say is shorter; the rest of a flood is not kept. */
const MAX_SAID_CHARS = 4096
const SAID_TIMEOUT_MS = 500

/**
 * The runtime of one sandbox, in the sandbox's cgroups, with pipes of its own for standard
 * streams. Nothing the user has open is ever inherited by it.
 */
export class Launcher {
  readonly streams: CommandStreams
  /** exit code as shells say it: 128 and the signal's number for a process that was killed */
  readonly exited: Promise<number>
  readonly #process: ChildProcess
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
      stdio: theirs,
    })
    for (const fd of theirs) closeSync(fd)
    this.streams = {
      stdin: new net.Socket({ fd: input.write, readable: false, writable: true }),
      stdout: new net.Socket({ fd: output.read, readable: true, writable: false }),
      stderr: new net.Socket({ fd: error.read, readable: true, writable: false }),
    }
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

  /** Still there. */
  get isWaiting(): boolean {
    return !this.#isGone && this.pid !== 0
  }

  /** Why it ended before the sandbox stood, in the runtime's own words. */
  async failure(): Promise<SekishoError> {
    const { stderr } = this.streams
    const said: string[] = []
    stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    await once(stderr, 'close', { signal: AbortSignal.timeout(SAID_TIMEOUT_MS) }).catch(
      () => undefined, // what it has said so far is what there is
    )
    const text = said.join('').slice(0, MAX_SAID_CHARS).trim()
    return new SekishoError('SANDBOX_FAILED', `the sandbox did not stand: ${text}`, {
      hint: 'see what the runtime says',
    })
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Lets go of our ends. */
  close(): void {
    for (const stream of Object.values(this.streams)) stream.destroy()
  }
}

function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}
