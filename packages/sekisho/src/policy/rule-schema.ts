import * as z from 'zod'
import { Consequence, Effect, Reversibility } from '../wire/labels.ts'
import { Scheme } from '../wire/policy.ts'
import { Port } from '../wire/schemas.ts'
import { readDay, readMethod, readRuleId } from './agent-values.ts'
import { bodySize, TreatmentsFile } from './egress-schema.ts'
import { readHostPattern } from './host-pattern.ts'
import { readPackagesBase } from './packages-schema.ts'
import { readPathGlob } from './path-glob.ts'
import { printable, type Read } from './problem.ts'
import { text } from './text.ts'

const Note = z.string().max(1024)

export const RuleBodyFile = z.strictObject({
  max: bodySize.optional(),
  uninspected: z.boolean().optional(),
})

export const RuleRecoveryFile = z.strictObject({
  method: z.enum(['PUT', 'POST', 'PATCH']),
  path: text(readRecoveryPath)
    .optional()
    .transform((path) => path ?? null),
})

const RuleKeys = z.strictObject({
  id: text(readRuleId),
  effect: z.enum(['allow', 'deny']),
  host: text(readHostPattern),
  scheme: Scheme.optional(),
  ports: z.array(Port).min(1).max(16).optional(),
  methods: z.array(text(readMethod)).min(1).max(32).superRefine(refuseMixedAny).optional(),
  paths: z.array(text(readPathGlob)).min(1).max(256).optional(),
  owner: Note.default(''),
  reason: Note.default(''),
  /** the last day, in UTC, that an allow rule allows anything */
  expires: text(readDay).optional(),
  /** also a GET that asks for a WebSocket, whose messages are inspected */
  websocket: z.boolean().optional(),
  withoutSni: z.boolean().optional(),
  packages: z.enum(['npm', 'pypi']).optional(),
  packagesBase: text(readPackagesBase).optional(),
  body: RuleBodyFile.optional(),
  treatments: TreatmentsFile.optional(),
  /** the host gets personal data itself, where a session has tokens for it */
  personalData: z.literal('reveal').optional(),
  /** what a request does outside, where its method does not say it */
  outside: Effect.optional(),
  reversibility: Reversibility.optional(),
  consequence: Consequence.optional(),
  recovery: RuleRecoveryFile.optional(),
})
type RuleText = z.output<typeof RuleKeys>

/** One rule of an agent file. */
export const RuleFile = RuleKeys.superRefine(refuseContradictions).transform(
  ({ scheme, ports, methods, paths, expires, ...rule }) => ({
    ...rule,
    /** Unix ms; null for a rule without an end */
    expiresAtMs: expires ?? null,
    /** null where the file names none: the default of an allow rule, everything for a deny rule */
    scheme: scheme ?? null,
    ports: ports ?? null,
    /** empty means any */
    methods: withoutAny(methods ?? usualMethods(rule.effect, scheme)),
    /** empty means any */
    paths: paths ?? [],
  }),
)

function usualMethods(effect: RuleText['effect'], scheme: Scheme | undefined): readonly string[] {
  return effect === 'deny' || isOpaque(scheme) ? [] : ['GET', 'HEAD', 'OPTIONS']
}

/** `[GET, any]` looks like a limit and is none. */
function refuseMixedAny(methods: readonly string[], context: z.RefinementCtx): void {
  if (!methods.includes('any') || methods.length === 1) return
  context.addIssue({
    code: 'custom',
    message: '`any` stands with other methods',
    params: { hint: 'write [any], or the methods' },
  })
}

function withoutAny(methods: readonly string[]): readonly string[] {
  return methods.includes('any') ? [] : methods
}

/** There are no requests in it that a rule could tell apart. */
function isOpaque(scheme: Scheme | undefined): boolean {
  return scheme === 'tcp' || scheme === 'tls'
}

type Contradiction = {
  keys: readonly (keyof RuleText)[]
  applies: (rule: RuleText) => boolean
  message: string
  hint?: string
}

/** What each key alone may say and all together may not. */
const CONTRADICTIONS: readonly Contradiction[] = [
  {
    keys: ['methods', 'paths', 'websocket', 'packages', 'body', 'personalData'],
    applies: ({ scheme }) => isOpaque(scheme),
    message: 'a rule for tcp or tls sees no requests',
    hint: 'delete the key, or choose http or https',
  },
  {
    keys: ['treatments'],
    applies: ({ scheme }) => scheme === 'tls',
    message: 'what is passed through is not looked into',
    hint: 'delete the key, or choose https',
  },
  {
    keys: ['withoutSni'],
    applies: ({ scheme }) => scheme === 'http' || scheme === 'tcp',
    message: 'there is a server name in TLS only',
    hint: 'delete the key, or choose https or tls',
  },
  {
    keys: ['packagesBase'],
    applies: ({ packages }) => packages === undefined,
    message: 'a rule without `packages` leads to no registry',
    hint: 'add packages: npm, or packages: pypi',
  },
  {
    keys: ['websocket'],
    applies: ({ websocket, methods }) =>
      websocket === true && methods?.includes('GET') === false && !methods.includes('any'),
    message: 'a WebSocket begins with GET, which `methods` leaves out',
    hint: 'add GET',
  },
  {
    keys: ['recovery'],
    applies: ({ scheme }) => isOpaque(scheme),
    message: 'a rule for tcp or tls sees no requests',
    hint: 'delete the key, or choose http or https',
  },
  {
    keys: ['recovery'],
    applies: ({ methods, scheme }) => !isOpaque(scheme) && !changesSomething(methods),
    message: 'nothing that this rule allows is put back: it has no PUT, PATCH or DELETE',
    hint: 'add the method to `methods`, or delete the key',
  },
  {
    keys: [
      'expires',
      'websocket',
      'withoutSni',
      'packages',
      'packagesBase',
      'body',
      'treatments',
      'personalData',
      'outside',
      'reversibility',
      'consequence',
      'recovery',
    ],
    applies: ({ effect }) => effect === 'deny',
    message: 'a deny rule denies, for ever and all of it',
    hint: 'delete the key; a rule that is to end is deleted on its day',
  },
]

function changesSomething(methods: readonly string[] = []): boolean {
  return ['PUT', 'PATCH', 'DELETE', 'any'].some((method) => methods.includes(method))
}

/** `{path}` stands for the request's own; anything else in braces would be sent as it stands. */
function readRecoveryPath(input: string): Read<string> {
  const rest = input.replaceAll('{path}', '/')
  const isPath = /^\/[\x21-\x7e]*$/.test(rest) && !/[{}?#*]/.test(rest)
  if (isPath && input.length <= 1024) return { value: input }
  return {
    problem: `\`${printable(input)}\` is no path to put something back at`,
    hint: 'write a path, in which {path} stands for the one of the request',
  }
}

function refuseContradictions(rule: RuleText, context: z.RefinementCtx): void {
  for (const { keys, applies, message, hint } of CONTRADICTIONS) {
    if (!applies(rule)) continue
    for (const key of keys) {
      if (rule[key] === undefined) continue
      context.addIssue({ code: 'custom', message, path: [key], params: { hint } })
    }
  }
  refuseUnexplained(rule, context)
  if (rule.scheme !== 'tcp' || rule.effect === 'deny' || rule.ports !== undefined) return
  const params = { hint: 'name the ports of the protocol, such as [5432]' }
  context.addIssue({ code: 'custom', message: 'tcp has no usual port', path: ['scheme'], params })
}

function refuseUnexplained(rule: RuleText, context: z.RefinementCtx): void {
  const unseen = whatPassesUnseen(rule)
  if (unseen === undefined || /\S/.test(rule.reason)) return
  context.addIssue({
    code: 'custom',
    message: `${unseen} needs a reason`,
    path: ['reason'],
    params: { hint: 'say in `reason` why this may pass without being looked into' },
  })
}

function whatPassesUnseen({ scheme, effect, body }: RuleText): string | undefined {
  if (effect === 'deny') return undefined
  if (scheme === 'tls') return 'TLS that is passed through'
  return body?.uninspected === true ? 'a body that is not inspected' : undefined
}
