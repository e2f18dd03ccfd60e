import * as z from 'zod'
import { AlertCondition, type AlertRule } from '../wire/exporter.ts'
import { LeafInput } from '../wire/leaves.ts'
import { suggest } from './nearest.ts'
import type { Problem } from './problem.ts'
import { readDuration } from './quantity.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'

const TYPES: readonly string[] = LeafInput.options.map((option) => option.shape.type.value)
/** What the exporter writes itself: a rule about it would be answered by the next of its own. */
const OWN = 'platform.alert'
const LONG_WINDOW = '24h'

const Condition = z.union([
  z.strictObject({
    field: AlertCondition.shape.field,
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()]),
  }),
  z.strictObject({ field: AlertCondition.shape.field, oneOf: z.array(z.string()).min(1).max(64) }),
  z.strictObject({ field: AlertCondition.shape.field, startsWith: z.string().min(1) }),
  z.strictObject({ field: AlertCondition.shape.field, atLeast: z.number() }),
  z.strictObject({ field: AlertCondition.shape.field, present: z.boolean() }),
])

const Rule = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'want lower-case letters, digits, dots and hyphens'),
  type: z.string(),
  where: z.array(Condition).max(16).default([]),
  severity: z.enum(['low', 'medium', 'high']).default('medium'),
  /** an alert for so many leaves within the window */
  threshold: z.int().min(1).max(1000).default(1),
  window: text((input) => readDuration(input, { min: '1s', max: LONG_WINDOW })).prefault('1m'),
  per: AlertCondition.shape.field.default('session'),
})

const AlertsSchema = z.strictObject({
  version: z.literal(1),
  /** whether the rules that come with the platform hold as well */
  defaults: z.boolean().default(true),
  rules: z.array(Rule).max(192).default([]),
})

const always = (name: string, type: string, where: AlertRule['where']): AlertRule => ({
  name,
  type,
  where,
  severity: 'high',
  threshold: 1,
  windowMs: 60_000,
  per: 'session',
})

const DENIED = { field: 'verdict.kind', is: { equals: 'deny' } } as const

/** What an operator wants to know whatever else is configured. Lag is told by the exporter itself. */
export const DEFAULT_ALERTS: readonly AlertRule[] = [
  {
    ...always('egress.denied', 'action.intent', [
      DENIED,
      {
        field: 'action.kind',
        is: { oneOf: ['http.request', 'net.connect', 'ws.message', 'llm.generate'] },
      },
    ]),
    severity: 'medium',
  },
  {
    ...always('dns.denied', 'action.intent', [
      DENIED,
      { field: 'action.kind', is: { equals: 'dns.resolve' } },
    ]),
    severity: 'medium',
  },
  always('seccomp.violation', 'action.intent', [
    { field: 'action.kind', is: { equals: 'process.syscall' } },
  ]),
  always('tripwire.opened', 'action.intent', [
    { field: 'action.kind', is: { equals: 'file.open' } },
  ]),
  always('canary.hit', 'alert', [{ field: 'rule', is: { startsWith: 'detect.canary' } }]),
  always('quarantine.set', 'quarantine.set', []),
  always('witness.refused', 'witness.refused', []),
  always('identity.conflict', 'identity.conflict', []),
]

/**
 * `alerts.yaml`: what of the log calls for somebody at once.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseAlerts(source: string, path: string): readonly AlertRule[] {
  const parsed = readStrictFile(source, path, {
    schema: AlertsSchema,
    check: ({ rules }) => rules.flatMap((rule, index) => problemsOf(rule, index, rules)),
  })
  const own = parsed.rules.map(({ window, where, ...rule }) => ({
    ...rule,
    windowMs: window,
    where: where.map(({ field, ...is }) => ({ field, is })),
  }))
  const named = new Set(own.map(({ name }) => name))
  const defaults = parsed.defaults ? DEFAULT_ALERTS.filter(({ name }) => !named.has(name)) : []
  return [...defaults, ...own]
}

function problemsOf(
  { name, type }: { name: string; type: string },
  index: number,
  rules: readonly { name: string }[],
): Problem[] {
  const path = ['rules', index]
  const twice = rules.findIndex((rule) => rule.name === name) < index
  const doubled: Problem[] = twice
    ? [
        {
          path: [...path, 'name'],
          at: 'value',
          message: `a second rule \`${name}\``,
          hint: 'rename one of them',
        },
      ]
    : []
  const at = { path: [...path, 'type'], at: 'value' } as const
  if (type === OWN) {
    const message = `alerts about \`${OWN}\` would raise alerts about alerts`
    return [...doubled, { ...at, message, hint: 'name the type of leaf that led to it' }]
  }
  if (TYPES.includes(type)) return doubled
  const hint = suggest(type, TYPES, 'see docs/leaves for the types of leaves')
  return [...doubled, { ...at, message: `no leaf has the type \`${type}\``, hint }]
}
