import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'

const READY_TIMEOUT_MS = 15_000

/** Keeps the process alive that cleans up after the supervisor; see guardian-main.ts. */
export class Guardian {
  readonly #code: string
  readonly #cgroupRoots: readonly string[]
  readonly #report: (line: string) => void
  #process: ChildProcess | undefined
  #stopping = false

  /** @param cgroupRoots this instance's parent cgroups, one per hierarchy */
  constructor(options: {
    code: string
    cgroupRoots: readonly string[]
    report: (line: string) => void
  }) {
    this.#code = options.code
    this.#cgroupRoots = options.cgroupRoots
    this.#report = options.report
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        '--max-old-space-size=32',
        '--v8-pool-size=0',
        join(this.#code, 'packages/sekisho/src/daemon/guardian-main.ts'),
        JSON.stringify(this.#cgroupRoots),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'], detached: true, cwd: '/', env: ownCompileCache() },
    )
    this.#process = child
    child.stdin?.on('error', () => undefined) // it died; `exit` says so
    child.once('exit', () => this.#exited())
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS)
    const ready = await Promise.race([
      once(child.stdout ?? child, 'data').then(() => true),
      once(child, 'exit').then(() => false),
    ])
    clearTimeout(timer)
    if (!ready) throw new SekishoError('INTERNAL', 'the guardian did not start')
  }

  /** Lets it do its work and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.stdin?.end()
    await gone
  }

  #exited(): void {
    if (this.#stopping) return
    this.#report('guardian ended; restarting')
    this.start().catch((error: unknown) => this.#report(String(error)))
  }
}

/** It runs with the same rights as this process, so what this one may run, it may. */
function ownCompileCache(): Record<string, string> {
  const cache = process.env['NODE_COMPILE_CACHE']
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }
}
