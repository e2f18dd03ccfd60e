import * as z from 'zod'
import { Consequence, Effect, Reversibility } from './labels.ts'
import { Recovery } from './recovery.ts'

/** What becomes of a request in which a detector found something, from the mildest on. */
export const TREATMENTS = ['record', 'redact', 'hold', 'deny'] as const
export const Treatment = z.enum(TREATMENTS)
export type Treatment = z.infer<typeof Treatment>

/**
 * By detector id (`secret.github-pat`), by its beginning (`secret.generic-*`), or by class
 * (`personal-data`): the most exact one counts.
 */
export const Treatments = z.record(z.string().min(1).max(64), Treatment)
export type Treatments = z.infer<typeof Treatments>

/** What a rule grants or asks beyond whether a request may pass. */
export const RuleOptions = z.strictObject({
  /** a GET that asks for a WebSocket */
  websocket: z.boolean().optional(),
  /** a TLS connection whose hello has no server name */
  withoutSni: z.boolean().optional(),
  /** the host is a package registry, and what it serves is checked as that */
  packages: z.enum(['npm', 'pypi']).optional(),
  /** path below which that registry begins, such as `/api/npm/main`; left out: the whole host */
  packagesBase: z.string().max(512).optional(),
  /** bodies are inspected up to so many bytes, in place of the session's own cap */
  maxBodyBytes: z.int().min(0).optional(),
  /** what comes after the cap passes unseen, which the leaf says */
  uninspected: z.boolean().optional(),
  treatments: Treatments.optional(),
  /** what a request by this rule does outside, where its method does not say it */
  effect: Effect.optional(),
  reversibility: Reversibility.optional(),
  consequence: Consequence.optional(),
  /** a PUT, PATCH or DELETE is preceded by a look at what is there, which is kept */
  recovery: Recovery.optional(),
})
export type RuleOptions = z.infer<typeof RuleOptions>

/** `tcp`: any protocol, its bytes inspected as they pass. `tls`: passed through, unseen. */
export const Scheme = z.enum(['http', 'https', 'tcp', 'tls'])
export type Scheme = z.infer<typeof Scheme>

/** A grant of the agent file, after presets are expanded: the ceiling, which Cedar narrows. */
export const PolicyRule = z.strictObject({
  id: z.string().min(1).max(128),
  effect: z.enum(['allow', 'deny']),
  scheme: Scheme,
  /** canonical name, or `*.name` for any name below it */
  host: z.string().max(255),
  port: z.int().min(1).max(65_535),
  /** upper-case; empty means any */
  methods: z.array(z.string()),
  /** globs over the canonical path: `*` within a segment, `**` across; empty means any */
  paths: z.array(z.string()),
  /** Unix ms; an allow rule allows nothing from then on, a deny rule denies for ever */
  expiresAtMs: z.int().min(0).optional(),
  options: RuleOptions.optional(),
})
export type PolicyRule = z.infer<typeof PolicyRule>

export const SessionPolicy = z.strictObject({ rules: z.array(PolicyRule).max(10_000) })
export type SessionPolicy = z.infer<typeof SessionPolicy>
