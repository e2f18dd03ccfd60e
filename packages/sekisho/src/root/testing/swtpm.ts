import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { vi } from 'vitest'

/** A TPM as a program, with its state in a directory. */
export class SoftTpm {
  readonly #directory: string
  #process: ChildProcess | undefined

  /** @param directory short: a socket's path has 107 characters */
  constructor(directory: string) {
    this.#directory = directory
  }

  get socket(): string {
    return join(this.#directory, 'tpm.sock')
  }

  async start(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true })
    const child = spawn(
      'swtpm',
      [
        'socket',
        '--tpm2',
        '--tpmstate',
        `dir=${this.#directory}`,
        '--flags',
        'not-need-init',
      ].concat(['--server', `type=unixio,path=${this.socket}`]),
      { stdio: 'ignore' },
    )
    this.#process = child
    await once(child, 'spawn')
    await vi.waitFor(() => connect(this.socket), { timeout: 60_000, interval: 10 })
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
}

function connect(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    socket.once('connect', () => socket.destroy())
    socket.once('error', reject)
    socket.once('close', () => resolve())
  })
}
