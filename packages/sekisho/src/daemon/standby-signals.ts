import { closeSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { openFifo } from '../kernel/fifo.ts'
import { parseReport, STANDBY_FILE, startText, type Tried } from '../sandbox/standby.ts'
import type { Launcher } from './launcher.ts'

/** A sandbox that does not report within this has failed; gVisor takes the longest, 0.3 s. */
const READY_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 2
const MAX_REPORT_BYTES = 8192

/** How the two sides speak: FIFOs where they lead inside, files that are looked at where not. */
export class StandbySignals {
  readonly #files: string
  readonly #scratch: string
  readonly #fifos: { ready: number; go: number } | undefined
  #text = ''

  /**
   * @param directory the berth's own, with `files` and `scratch` in it
   * @param leadInside whether FIFOs lead into the sandbox
   */
  constructor(directory: string, leadInside: boolean) {
    this.#files = join(directory, 'files')
    this.#scratch = join(directory, 'scratch', 'run')
    if (!leadInside) return
    this.#fifos = {
      ready: openFifo(join(this.#files, STANDBY_FILE.ready), 0o622),
      go: openFifo(join(this.#files, STANDBY_FILE.go), 0o644),
    }
  }

  /** @throws SekishoError SANDBOX_FAILED, TIMEOUT */
  async report(launcher: Launcher): Promise<Tried[]> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS
    for (;;) {
      const tried = parseReport(this.#read())
      if (tried !== undefined) return tried
      if (!launcher.isWaiting) throw await launcher.failure()
      if (performance.now() > deadlineMs) {
        throw new SekishoError('TIMEOUT', 'the sandbox does not report', {
          hint: 'try again; the machine may be overloaded',
        })
      }
      await delay(LOOK_EVERY_MS)
    }
  }

  #read(): string {
    if (this.#fifos === undefined) return readOrEmpty(join(this.#scratch, STANDBY_FILE.ready))
    const chunk = Buffer.alloc(MAX_REPORT_BYTES)
    const length = readNow(this.#fifos.ready, chunk)
    this.#text = (this.#text + chunk.toString('utf8', 0, length)).slice(0, MAX_REPORT_BYTES)
    return this.#text
  }

  /** Says what to become, and takes both ways away again: they are none of the agent's. */
  go(start: Parameters<typeof startText>[0]): void {
    writeFileSync(join(this.#files, STANDBY_FILE.start), startText(start), { mode: 0o644 })
    if (this.#fifos === undefined) {
      rmSync(join(this.#scratch, STANDBY_FILE.ready), { force: true })
      writeFileSync(join(this.#files, STANDBY_FILE.go), '')
      return
    }
    for (const name of [STANDBY_FILE.ready, STANDBY_FILE.go]) rmSync(join(this.#files, name))
    writeSync(this.#fifos.go, 'go\n')
  }

  close(): void {
    if (this.#fifos === undefined) return
    closeSync(this.#fifos.ready)
    closeSync(this.#fifos.go)
  }
}

function readNow(fd: number, into: Buffer): number {
  try {
    return readSync(fd, into)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // not written yet; the deadline bounds the wait
  }
}
