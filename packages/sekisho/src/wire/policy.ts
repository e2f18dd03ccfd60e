import * as z from 'zod'

/**
 * The policy of one session after presets are expanded: what the gate decides by, in memory.
 * Cedar takes this place later behind the same `Decide`.
 */
export const PolicyRule = z.strictObject({
  id: z.string().min(1).max(128),
  effect: z.enum(['allow', 'deny']),
  scheme: z.enum(['http', 'https']),
  /** canonical name, or `*.name` for any name below it */
  host: z.string().max(255),
  port: z.int().min(1).max(65_535),
  /** upper-case; empty means any */
  methods: z.array(z.string()),
  /** globs over the canonical path: `*` within a segment, `**` across; empty means any */
  paths: z.array(z.string()),
})
export type PolicyRule = z.infer<typeof PolicyRule>

export const SessionPolicy = z.strictObject({ rules: z.array(PolicyRule).max(10_000) })
export type SessionPolicy = z.infer<typeof SessionPolicy>
