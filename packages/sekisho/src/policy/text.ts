import * as z from 'zod'
import type { Read } from './problem.ts'

/** Text that a reader of this house turns into a value, or refuses with a hint. */
export function text<T>(read: (text: string) => Read<T>): z.ZodType<T> {
  return z.string().transform((input, context) => {
    const result = read(input)
    if ('value' in result) return result.value
    context.addIssue({ code: 'custom', message: result.problem, params: { hint: result.hint } })
    return z.NEVER
  })
}
