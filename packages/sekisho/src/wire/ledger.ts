import * as z from 'zod'

/** What a part of a window counted, or by how much that has changed since. */
export const LedgerEntry = z.strictObject({
  /** constraint, what it counts, and for whom: `control/ledger/` makes and reads it */
  cell: z.string().min(1).max(512),
  windowMs: z.int().min(1).nullable(),
  /** Unix ms; the end null: for ever */
  startMs: z.int().min(0),
  endMs: z.int().min(0).nullable(),
  /** sums of amounts above and below nought */
  positive: z.int(),
  negative: z.int(),
})
export type LedgerEntry = z.infer<typeof LedgerEntry>

/** Entries in one message. */
export const MAX_LEDGER_ENTRIES = 4096

const LedgerEntries = z.array(LedgerEntry).max(MAX_LEDGER_ENTRIES)

/**
 * `append`: beside what is there. The others write all anew, over several messages: what was there
 * stands until the last of them.
 */
export const LedgerNote = z.strictObject({
  entries: LedgerEntries,
  part: z.enum(['append', 'begin', 'more', 'end']),
})
export type LedgerNote = z.infer<typeof LedgerNote>

export const LedgerPage = z.strictObject({ entries: LedgerEntries, isLast: z.boolean() })
