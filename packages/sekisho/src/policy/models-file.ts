import * as z from 'zod'
import { MODEL_APIS } from '../core/action.ts'
import { DETECTOR_CLASSES } from '../core/finding.ts'
import type { HostLabel } from '../wire/decision.ts'
import {
  type LlmAlias,
  type LlmFilter,
  type LlmProvider,
  type LlmSettings,
  NO_LLM_SETTINGS,
} from '../wire/llm.ts'
import { explainRepeated } from './explain-repeated.ts'
import { FilterFile } from './filter-schema.ts'
import { explainUnknown } from './known-names.ts'
import { printable, type Problem, type Read } from './problem.ts'
import { readServiceUrl } from './service-url.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'
import { isDetectorKey } from './treatment.ts'

/** Known by their own host names. */
export const BUILT_IN_PROVIDERS: readonly string[] = ['anthropic', 'openai', 'google']

const ProviderFile = z
  .strictObject({
    id: text(readProviderId),
    api: z.enum(MODEL_APIS),
    flavour: z.enum(['native', 'azure', 'bedrock', 'vertex']).default('native'),
    url: text(readServiceUrl),
    reason: z.string().max(1024).default(''),
  })
  .transform(({ id, api, flavour, url }): LlmProvider => ({ id, api, flavour, ...url }))

const AliasFile = z.strictObject({
  name: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, 'use letters, digits and `._:/-`'),
  strategy: z.enum(['fallback', 'balance']).default('fallback'),
  targets: z
    .array(
      z.strictObject({
        provider: z.string().max(64),
        model: z.string().min(1).max(256),
        weight: z.int().min(1).max(1000).default(1),
      }),
    )
    .min(1)
    .max(16),
  retries: z.int().min(0).max(5).default(1),
})

const Defaults = NO_LLM_SETTINGS.recording

const ModelsSchema = z.strictObject({
  version: z.literal(1),
  providers: z.array(ProviderFile).max(64).default([]),
  aliases: z.array(AliasFile).max(256).default([]),
  missingPrice: z.enum(['refuse', 'dearest']).default(NO_LLM_SETTINGS.missingPrice),
  unsupported: z.enum(['deny', 'pass']).default(NO_LLM_SETTINGS.unsupported),
  filters: z.array(FilterFile).max(8).optional(),
  replies: z
    .strictObject({
      secrets: z.enum(['pass', 'record', 'redact']).default(NO_LLM_SETTINGS.replies.secrets),
    })
    .default({ ...NO_LLM_SETTINGS.replies }),
  recording: z
    .strictObject({
      mode: z.enum(['full', 'digest']).default(Defaults.mode),
      days: z.int().min(1).max(3650).default(Defaults.days),
      redact: z
        .array(text(readRedaction))
        .max(64)
        .default([...Defaults.redact]),
    })
    .default({ ...Defaults, redact: [...Defaults.redact] }),
})

export type ModelsFile = Omit<LlmSettings, 'prices' | 'budgets'>

/**
 * Providers, aliases and what is kept of calls: `models.yaml`.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseModels(source: string, path: string): ModelsFile {
  const { version: _, ...models } = readStrictFile(source, path, {
    schema: ModelsSchema,
    check: checkModels,
  })
  return models
}

/** As what a preset says of a provider's host: the session obeys what it answers. */
export function providerLabels(providers: readonly LlmProvider[]): readonly HostLabel[] {
  return [...new Set(providers.map(({ host }) => host))].map((host) => ({
    host,
    integrity: 'trusted',
    confidentiality: 'internal',
    external: true,
    groups: ['llm-providers'],
  }))
}

function checkModels({
  providers,
  aliases,
  filters = [],
}: {
  providers: readonly LlmProvider[]
  aliases: readonly LlmAlias[]
  filters?: readonly LlmFilter[] | undefined
}): readonly Problem[] {
  const known = [...BUILT_IN_PROVIDERS, ...providers.map(({ id }) => id)]
  const placeOf = ({ scheme, host, port, basePath }: LlmProvider): string =>
    `${scheme}://${host}:${port}${basePath}`
  return [
    ...explainRepeated(['providers'], 'id', { items: providers, keyOf: ({ id }) => id }),
    // a request is told by its place which provider it is for
    ...explainRepeated(['providers'], 'url', { items: providers, keyOf: placeOf }),
    ...explainRepeated(['filters'], 'id', { items: filters, keyOf: ({ id }) => id }),
    ...explainRepeated(['aliases'], 'name', { items: aliases, keyOf: ({ name }) => name }),
    ...aliases.flatMap(({ targets }, alias) =>
      targets.flatMap(({ provider }, target) =>
        explainUnknown(['aliases', alias, 'targets', target, 'provider'], provider, {
          what: 'provider',
          known,
        }),
      ),
    ),
  ]
}

function readProviderId(input: string): Read<string> {
  if (BUILT_IN_PROVIDERS.includes(input)) {
    return { problem: `\`${input}\` is known already`, hint: 'use another id' }
  }
  if (/^[a-z][a-z0-9-]{0,63}$/.test(input)) return { value: input }
  return {
    problem: `\`${printable(input)}\` is no id of a provider`,
    hint: 'use lower-case letters, digits and hyphens, at most 64',
  }
}

function readRedaction(input: string): Read<string> {
  if (DETECTOR_CLASSES.some((known) => known === input) || isDetectorKey(input)) {
    return { value: input }
  }
  return {
    problem: `\`${printable(input)}\` is no detector and no class of them`,
    hint: `classes are ${DETECTOR_CLASSES.join(', ')}; docs/guides/detectors.md lists the detectors`,
  }
}
