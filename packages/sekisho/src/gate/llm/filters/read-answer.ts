import type * as z from 'zod'
import { SekishoError } from '../../../core/error.ts'

/** @throws SekishoError PROTOCOL_VIOLATION when it has another form than documented */
export function readAnswer<T>(name: string, schema: z.ZodType<T>, answer: unknown): T {
  const read = schema.safeParse(answer)
  if (read.success) return read.data
  throw unlooked(name, 'its answer is not as documented', read.error)
}

/** @returns what to throw when a service has answered and has not looked */
export function unlooked(name: string, why: string, cause?: unknown): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', `the filter ${name} has not looked: ${why}`, {
    hint: `see docs/guides/filters.md, and what ${name} has logged`,
    cause,
  })
}
