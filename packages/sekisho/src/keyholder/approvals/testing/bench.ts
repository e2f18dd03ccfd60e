import { SekishoError } from '../../../core/error.ts'
import type { ApprovalKind } from '../../../core/label.ts'
import type { LeafInput } from '../../../wire/leaves.ts'
import { intent } from '../../testing/leaves.ts'
import { Approvals } from '../approvals.ts'
import type { HeldLeaf } from '../hold.ts'
import type { Intent } from '../holds.ts'
import { digest, HOLD, heldLeaf, NOW } from './people.ts'

export const UMA_BEGAN = { agent: 'a', uid: 1000 }
export const GATE = {}

/** The authority with a log of its own, and a clock that is turned by hand. */
export class Bench {
  readonly leaves: LeafInput[] = []
  readonly taken: string[] = []
  nowMs = NOW
  isLogUp = true
  readonly approvals = new Approvals({
    now: () => new Date(this.nowMs),
    uses: {
      take: ({ digest: mandate, maxUses }) => {
        if (this.taken.filter((one) => one === mandate).length >= maxUses) return false
        this.taken.push(mandate)
        return true
      },
    },
    append: async (leaf) => {
      if (!this.isLogUp) throw new SekishoError('LOG_UNWRITABLE', 'the disk is full')
      return this.leaves.push(leaf) - 1
    },
  })

  open(leaf: HeldLeaf = heldLeaf(), gate: object = GATE): Promise<number> {
    return this.approvals.open(leaf, { uid: 1000, opener: gate })
  }

  use(fields: Partial<Intent> = {}): string | undefined {
    return this.approvals.admit({ ...allowed(['approver']), ...fields }, UMA_BEGAN)
  }

  types(): string[] {
    return this.leaves.map((leaf) => ('why' in leaf ? `${leaf.type} ${leaf.why}` : leaf.type))
  }
}

export function allowed(
  approvals: ApprovalKind[],
  hold = { id: HOLD, digest: digest('d') },
): Intent {
  const label = { integrity: 'untrusted', confidentiality: 'internal' } as const
  return { ...intent('a'), facts: { user: 'uma', label, approvals }, hold }
}

export function idOf(i: number): string {
  return `h-${String(i).padStart(20, '0')}`
}
