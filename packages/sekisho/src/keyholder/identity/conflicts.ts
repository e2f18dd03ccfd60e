import { SekishoError } from '../../core/error.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { Conflict } from './gate-channel.ts'

export type ConflictParts = {
  /** resolves once it is durable */
  append: (leaf: LeafInput) => Promise<number>
  /** the supervisor, who contains whom it concerns; never rejects */
  tell: (conflict: Conflict & { by: number | null }) => void
}

/** Two who are one, or one who is two: refused, recorded, and told to whoever can end it. */
export class Conflicts {
  readonly #parts: ConflictParts

  constructor(parts: ConflictParts) {
    this.#parts = parts
  }

  /**
   * Told first: whoever it is does not go on while the disk is slow.
   *
   * @param by the gate that it came from
   * @returns what the caller is refused with; resolves when the conflict is durable
   * @throws SekishoError LOG_UNWRITABLE
   */
  async raise({ of, kind, detail }: Conflict, by: number | null): Promise<SekishoError> {
    this.#parts.tell({ of, kind, detail, by })
    await this.#parts.append({ type: 'identity.conflict', of, kind, detail: detail.slice(0, 4096) })
    return new SekishoError('IDENTITY_CONFLICT', detail, {
      hint: 'look at the leaf `identity.conflict` and at what was contained for it',
    })
  }
}
