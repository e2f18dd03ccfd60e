import { type Deny, deny } from '../core/verdict.ts'
import type { Allowed, Clear, Exchange, Inspected, Pinned, Stopped } from '../flow/ports.ts'
import type { AgentReply } from './denial.ts'

type Optional<K extends keyof Exchange> = NonNullable<Exchange[K]>

/** An exchange whose client may take a refusal only in its own protocol. */
export type GateExchange = Exchange & { replyTo?(by: Deny): AgentReply | undefined }

const NOT_SHOWN = deny('invariant.unshowable', 'what it will send cannot be shown')

/** An exchange around another, which does all that the outer one does not do itself. */
export abstract class WrappedExchange implements GateExchange {
  protected abstract readonly inner: GateExchange

  inspect(allowed: Allowed): Promise<Inspected> | Inspected {
    return this.inner.inspect(allowed)
  }

  perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): ReturnType<Exchange['perform']> {
    return this.inner.perform(pinned, credentials)
  }

  describe(): ReturnType<Optional<'describe'>> {
    return this.inner.describe?.() ?? {}
  }

  outgoing(): ReturnType<Optional<'outgoing'>> {
    return this.inner.outgoing?.() ?? NOT_SHOWN
  }

  async keepBefore(asked: Parameters<Optional<'keepBefore'>>[0]): Promise<boolean> {
    return (await this.inner.keepBefore?.(asked)) ?? false
  }

  async prepare(id: string): ReturnType<Optional<'prepare'>> {
    return this.inner.prepare?.(id)
  }

  async consult(clear: Clear): Promise<Clear | Stopped> {
    return (await this.inner.consult?.(clear)) ?? clear
  }

  async prepared(): Promise<void> {
    await this.inner.prepared?.()
  }

  onGone(listener: () => void): void {
    this.inner.onGone?.(listener)
  }

  isOpenEnded(): boolean {
    return this.inner.isOpenEnded?.() ?? false
  }

  replyTo(by: Deny): AgentReply | undefined {
    return this.inner.replyTo?.(by)
  }

  cut(by: Deny): void {
    this.inner.cut?.(by)
  }

  drop(): void {
    this.inner.drop?.()
  }
}
