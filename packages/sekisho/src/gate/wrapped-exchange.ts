import { type Deny, deny } from '../core/verdict.ts'
import type { Allowed, Exchange, Inspected, Pinned } from '../flow/ports.ts'

type Optional<K extends keyof Exchange> = NonNullable<Exchange[K]>

const NOT_SHOWN = deny('invariant.unshowable', 'what it will send cannot be shown')

/** An exchange around another, which does all that the outer one does not do itself. */
export abstract class WrappedExchange implements Exchange {
  protected abstract readonly inner: Exchange

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

  onGone(listener: () => void): void {
    this.inner.onGone?.(listener)
  }

  isOpenEnded(): boolean {
    return this.inner.isOpenEnded?.() ?? false
  }

  cut(by: Deny): void {
    this.inner.cut?.(by)
  }

  drop(): void {
    this.inner.drop?.()
  }
}
