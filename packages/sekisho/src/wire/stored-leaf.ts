import * as z from 'zod'
import { StartIdentity, StateStamp } from './audit-leaves.ts'
import { LeafSignature } from './identity.ts'
import { LeafInput } from './leaves.ts'

/** Version of the format that is written. */
export const LEAF_VERSION = 2

/** What the keyholder adds to any leaf. */
const STAMPS = {
  v: z.literal(LEAF_VERSION),
  /** RFC 3339, UTC, ms; never earlier than the leaf before */
  at: z.iso.datetime({ precision: 3 }),
  /** `at` is that of the leaf before: the clock had gone back */
  clock: z.literal('held').optional(),
  /** of the leaves that change a session's state */
  state: StateStamp.optional(),
  /** by the session's key, over all other fields */
  sig: LeafSignature.optional(),
} as const

type LeafType = LeafInput['type']

/** A leaf as it stands in the log, of each type: what its writer handed over, and the stamps. */
export const STORED_LEAVES: ReadonlyMap<LeafType, z.ZodObject> = new Map(
  LeafInput.options.map((option) => [
    option.shape.type.value,
    z.strictObject({
      ...option.shape,
      ...STAMPS,
      ...(option.shape.type.value === 'session.start' ? { identity: StartIdentity } : {}),
    }),
  ]),
)
