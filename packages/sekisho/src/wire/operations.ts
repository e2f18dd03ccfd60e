import * as z from 'zod'
import { Consequence, CriticalArgument, Reversibility } from './labels.ts'
import { Scheme } from './policy.ts'
import { Port } from './schemas.ts'

/**
 * One operation of a service as the operator declares it: which requests are it, what arguments it
 * takes, and what it does. A request that is one becomes a `tool.call` beside its `http.request`,
 * and both must be permitted.
 */
export const Operation = z.strictObject({
  /** such as `mail.send`; its Cedar action is `tool.call/mail.send` */
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+$/)
    .max(128),
  scheme: Scheme.extract(['http', 'https']),
  /** canonical name, or `*.name` */
  host: z.string().max(255),
  port: Port,
  /** upper-case */
  methods: z.array(z.string().max(32)).min(1).max(16),
  /** globs over the canonical path, as rules have them */
  paths: z.array(z.string().max(1024)).min(1).max(64),
  /** where its arguments stand; `none`: it has none, and a body is refused */
  arguments: z.enum(['json', 'form', 'query', 'none']),
  /** JSON Schema of the arguments, of the subset that `policy/operations/` reads; checked there */
  parameters: z.json(),
  /** by kind, paths of arguments: `to`, `message.recipients[].address` */
  critical: z.partialRecord(CriticalArgument, z.array(z.string().max(256)).min(1).max(32)),
  reversibility: Reversibility,
  consequence: Consequence,
})
export type Operation = z.infer<typeof Operation>
