import type { PersonalTokens } from '../../detect/content/personal/personal-tokens.ts'
import type { Allowed, Inspected } from '../../flow/ports.ts'
import type { HttpArrival, HttpExchange } from '../http-exchange.ts'
import { type Fields, fieldValue, replaceFields } from '../http-fields.ts'
import { WrappedExchange } from '../wrapped-exchange.ts'

const LENGTH: ReadonlySet<string> = new Set(['content-length'])

/**
 * A request to a host that may know the personal data which the model was only told tokens of: they
 * are put in place of their tokens before anybody decides by the body.
 */
export class RevealExchange extends WrappedExchange {
  protected override readonly inner: HttpExchange
  readonly #tokens: PersonalTokens
  readonly #fields: Fields

  constructor(
    arrival: HttpArrival,
    tokens: PersonalTokens,
    make: (arrival: HttpArrival) => HttpExchange,
  ) {
    super()
    this.#tokens = tokens
    this.#fields = [...arrival.fields]
    this.inner = make({ ...arrival, fields: this.#fields })
  }

  override async inspect(allowed: Allowed): Promise<Inspected> {
    const looked = await this.inner.inspect(allowed)
    if (looked.kind !== 'clear' || allowed.options.revealsPersonalData !== true) return looked
    const isCoded = fieldValue(this.#fields, 'content-encoding') !== undefined
    const outgoing = this.inner.outgoing()
    if (isCoded || 'kind' in outgoing || outgoing.body === null) return looked
    const { bytes, count } = this.#tokens.uncover(outgoing.body)
    if (count === 0) return looked
    this.inner.replaceBody(bytes)
    replaceFields(this.#fields, LENGTH, ['content-length', String(bytes.length)])
    return { ...looked, bodyBytes: bytes.length }
  }
}
