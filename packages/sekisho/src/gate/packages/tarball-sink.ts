import type { TarballVerdict } from '../../detect/packages/npm-tarball.ts'
import { type AgentReply, deniedReply, sendAgentReply } from '../denial.ts'
import type { Fields } from '../http-fields.ts'
import { fieldValue } from '../http-fields.ts'
import type { ReplySink } from '../reply-sink.ts'
import { PassingSink, SharedDrain } from './passing-sink.ts'
import { TarballReading } from './tarball-reading.ts'
import type { WithheldBytes } from './withheld-bytes.ts'

type Head = { status: number; message: string; fields: Fields }

/** Replies that carry no file, or none that the agent does not have. */
function hasNoFile(status: number): boolean {
  return status >= 400 || status === 204 || status === 304
}

/**
 * Keeps the file of a package back until all of it has been looked at: the agent gets the whole
 * reply or none of it. A reply that is no plain file (a part of one, or the word that it is
 * elsewhere) cannot be looked at, and counts as unreadable.
 */
export class WithholdingSink extends PassingSink {
  /** what is to become of the file; undefined where the reply carried none */
  readonly looked: Promise<TarballVerdict | undefined>
  readonly #settle: (verdict: TarballVerdict | undefined) => void
  readonly #rules: readonly string[]
  readonly #room: WithheldBytes
  readonly #drain = new SharedDrain()
  #reading: TarballReading | undefined
  #head: Head | undefined
  #kept: Buffer[] = []
  #keptBytes = 0
  #isStopped = false

  /** @param rules by which a file that is not quiet does not reach the agent */
  constructor(inner: ReplySink, room: WithheldBytes, rules: readonly string[]) {
    super(inner)
    const settled = Promise.withResolvers<TarballVerdict | undefined>()
    this.looked = settled.promise
    this.#settle = settled.resolve
    this.#room = room
    this.#rules = rules
    inner.onDrain(() => this.#drain.drained())
    inner.onClose(() => this.#drop(undefined))
  }

  override head(status: number, message: string, fields: Fields): void {
    if (this.#isStopped) return
    if (hasNoFile(status)) {
      this.#drop(undefined) // also what was kept of a reply that then broke off
      return super.head(status, message, fields)
    }
    if (status !== 200) return this.#stop(unreadable(`the registry answers ${status}`))
    this.#head = { status, message, fields }
    this.#reading = new TarballReading(fieldValue(fields, 'content-encoding'))
  }

  override flush(): void {
    if (this.#head === undefined && !this.#isStopped) super.flush()
  }

  override write(bytes: Buffer): boolean {
    if (this.#isStopped) return true
    const reading = this.#reading
    if (reading === undefined) return this.#drain.wrote(super.write(bytes), undefined)
    if (!this.#room.take(bytes.length)) {
      this.#stop(unreadable('there is no room to keep it back'))
      return true
    }
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
    const looking = reading.write(bytes)
    if (reading.isDecided) void this.#decide(reading)
    return this.#drain.wrote(true, looking)
  }

  override trailers(fields: Fields): void {
    if (this.#reading === undefined && !this.#isStopped) super.trailers(fields)
  }

  override end(bytes?: Buffer | string): void {
    if (this.#isStopped) return
    if (this.#reading === undefined) return super.end(bytes)
    if (bytes !== undefined) this.write(Buffer.from(bytes))
    void this.#decide(this.#reading)
  }

  override destroy(): void {
    this.#drop(undefined)
    super.destroy()
  }

  override onDrain(listener: () => void): void {
    this.#drain.onDrain(listener)
  }

  protected override answered(reply: AgentReply): void {
    this.#drop(undefined)
    super.answered(reply)
  }

  async #decide(reading: TarballReading): Promise<void> {
    const verdict = await reading.end()
    // it was decided in the middle already, or the reply broke off meanwhile
    if (this.#reading !== reading || this.#isStopped) return
    if (verdict.kind === 'quiet') this.#release(verdict)
    else this.#stop(verdict)
  }

  #release(verdict: TarballVerdict): void {
    const [head, kept, bytes] = [this.#head, this.#kept, this.#keptBytes]
    this.#keptBytes = 0 // it is in memory until the agent has taken it
    this.inner.onClose(() => this.#room.give(bytes))
    this.#drop(verdict)
    if (head === undefined || this.inner.isGone) return
    super.head(head.status, head.message, head.fields)
    for (const piece of kept) super.write(piece)
    super.end()
  }

  #stop(verdict: TarballVerdict): void {
    this.#isStopped = true
    this.#drop(verdict)
    sendAgentReply(this.inner, deniedReply(this.#rules), { close: false })
  }

  #drop(verdict: TarballVerdict | undefined): void {
    this.#reading?.destroy()
    this.#reading = undefined
    this.#head = undefined
    this.#kept = []
    this.#room.give(this.#keptBytes)
    this.#keptBytes = 0
    this.#settle(verdict)
  }
}

/** Looks at the file of a package while it goes to the agent. */
export class WatchingSink extends PassingSink {
  readonly looked: Promise<TarballVerdict | undefined>
  readonly #settle: (verdict: TarballVerdict | undefined) => void
  readonly #drain = new SharedDrain()
  #reading: TarballReading | undefined

  constructor(inner: ReplySink) {
    super(inner)
    const settled = Promise.withResolvers<TarballVerdict | undefined>()
    this.looked = settled.promise
    this.#settle = settled.resolve
    inner.onDrain(() => this.#drain.drained())
    inner.onClose(() => this.#settle(undefined))
  }

  override head(status: number, message: string, fields: Fields): void {
    if (status === 200) this.#reading = new TarballReading(fieldValue(fields, 'content-encoding'))
    else this.#settle(undefined)
    super.head(status, message, fields)
  }

  override write(bytes: Buffer): boolean {
    const looking = this.#reading?.write(bytes)
    return this.#drain.wrote(super.write(bytes), looking)
  }

  override end(bytes?: Buffer | string): void {
    const reading = this.#reading
    if (reading === undefined) return super.end(bytes)
    if (bytes !== undefined) void reading.write(Buffer.from(bytes))
    void reading.end().then((verdict) => {
      this.#settle(verdict)
      super.end(bytes)
    })
  }

  override destroy(): void {
    this.#reading?.destroy()
    this.#settle(undefined)
    super.destroy()
  }

  override onDrain(listener: () => void): void {
    this.#drain.onDrain(listener)
  }
}

function unreadable(why: string): TarballVerdict {
  return { kind: 'unreadable', reason: `its file cannot be looked at: ${why}` }
}
