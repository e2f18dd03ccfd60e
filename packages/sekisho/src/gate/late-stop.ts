import type { Deny } from '../core/verdict.ts'
import { PLACEHOLDER_MISUSE } from '../flow/checkpoint.ts'
import type { Misuse } from '../flow/ports.ts'

/** Something in a part of the body that came after the request had left. */
export class LateStop extends Error {
  override readonly name = 'LateStop'
  readonly by: Misuse | Deny

  constructor(by: Misuse | Deny) {
    super('what may not leave, in the body')
    this.by = by
  }

  get rules(): readonly string[] {
    return this.by.kind === 'misuse' ? [PLACEHOLDER_MISUSE] : this.by.rules
  }
}
