import * as z from 'zod'
import { TOOL_DOINGS } from '../core/action.ts'
import { Consequence, Effect, Reversibility } from './labels.ts'
import { Recovery } from './recovery.ts'

/**
 * What becomes of a request in which a detector found something, from the mildest on. `tokenize` is
 * for personal data: what stands for it can be put back where a rule reveals it.
 */
export const TREATMENTS = ['record', 'tokenize', 'redact', 'hold', 'deny'] as const
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
  /** tokens of personal data become their values again towards this host */
  revealsPersonalData: z.boolean().optional(),
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

/** A grant of what a model may have the agent's client do. */
export const ToolRule = z.strictObject({
  id: z.string().min(1).max(128),
  effect: z.enum(['allow', 'deny']),
  /** glob over the tool's name: `*` is any characters */
  tool: z.string().min(1).max(256),
  /** empty means any, here and below */
  does: z.array(z.enum(TOOL_DOINGS)),
  /** globs over a command's program: by its path where they hold a slash, else by its name */
  programs: z.array(z.string().min(1).max(256)),
  /** globs: `*` within a segment, `**` across */
  paths: z.array(z.string().min(1).max(512)),
  /** canonical names, or `*.name` */
  hosts: z.array(z.string().max(255)),
  /** an allow rule: also what is known only when it runs; a deny rule: only that */
  unknown: z.boolean(),
  expiresAtMs: z.int().min(0).optional(),
  options: RuleOptions.pick({ effect: true, reversibility: true, consequence: true }).optional(),
})
export type ToolRule = z.infer<typeof ToolRule>

export const ToolPolicy = z.strictObject({
  /** null: every tool of the client, which is bounded by the sandbox that it runs in */
  rules: z.array(ToolRule).max(1000).nullable(),
  /** globs over the types of tools that the provider runs; empty: none of them */
  serverTools: z.array(z.string().min(1).max(256)).max(64),
})
export type ToolPolicy = z.infer<typeof ToolPolicy>

export const SessionPolicy = z.strictObject({
  rules: z.array(PolicyRule).max(10_000),
  /** left out where the agent file says nothing of tools: every one of the client, none of a provider */
  tools: ToolPolicy.optional(),
})
export type SessionPolicy = z.infer<typeof SessionPolicy>
