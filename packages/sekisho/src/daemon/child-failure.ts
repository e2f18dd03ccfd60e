import * as z from 'zod'
import { ERRORS, type ErrorCode, SekishoError } from '../core/error.ts'

/** Why a child cannot serve: its only word in place of `ready`. */
const ChildFailure = z.strictObject({
  failed: z.strictObject({
    code: z.string().refine((code): code is ErrorCode => Object.hasOwn(ERRORS, code)),
    message: z.string(),
    hint: z.string().nullable(),
    cause: z.string().nullable(),
  }),
})
export type ChildFailure = z.infer<typeof ChildFailure>

/** @returns undefined for anything that is no failure */
export function readFailure(message: unknown): SekishoError | undefined {
  const parsed = ChildFailure.safeParse(message)
  if (!parsed.success) return undefined
  const { code, message: text, hint, cause } = parsed.data.failed
  return new SekishoError(code, text, {
    hint: hint ?? undefined,
    cause: cause === null ? undefined : new Error(cause),
  })
}
