import * as z from 'zod'

/** Somebody reads the log: on record before anything of it is shown. */
export const logRead = {
  params: z.strictObject({
    what: z.enum(['show', 'query', 'replay', 'export', 'transcript', 'reconcile']),
    /** as the reader gave it */
    query: z.string().max(4096),
  }),
  /** the record’s own place in the log */
  result: z.strictObject({ index: z.int() }),
} as const

/** Control asks for a client, of whom it knows by the kernel. */
export const logReadFor = {
  params: logRead.params.extend({ reader: z.strictObject({ uid: z.int(), pid: z.int() }) }),
  result: logRead.result,
} as const
