import * as z from 'zod'
import type { FilterFinding, FilterKind, FilterText } from './content-filter.ts'
import { readAnswer, unlooked } from './read-answer.ts'

/**
 * Google Cloud Model Armor, REST v1: `…/v1/projects/P/locations/L/templates/T:sanitizeUserPrompt`.
 * https://docs.cloud.google.com/model-armor/reference/rest/v1/SanitizationResult
 */
const MAX_CHARACTERS = 8_000

const MatchState = z.enum(['NO_MATCH_FOUND', 'MATCH_FOUND'])
const Confidence = z.enum(['LOW_AND_ABOVE', 'MEDIUM_AND_ABOVE', 'HIGH'])
const Result = z.object({
  executionState: z.enum(['EXECUTION_SUCCESS', 'EXECUTION_SKIPPED']).optional(),
  /** left out where a filter did not run */
  matchState: MatchState.optional(),
  confidenceLevel: Confidence.optional(),
})
const Filters = z.object({
  pi_and_jailbreak: z.object({ piAndJailbreakFilterResult: Result }).optional(),
  malicious_uris: z.object({ maliciousUriFilterResult: Result }).optional(),
  csam: z.object({ csamFilterFilterResult: Result }).optional(),
  rai: z
    .object({
      raiFilterResult: Result.extend({
        raiFilterTypeResults: z.record(z.string().max(64), Result).optional(),
      }),
    })
    .optional(),
  sdp: z
    .object({
      sdpFilterResult: z.object({
        inspectResult: Result.optional(),
        deidentifyResult: Result.optional(),
      }),
    })
    .optional(),
})
const Answer = z.object({
  sanitizationResult: z.object({
    filterMatchState: MatchState,
    filterResults: Filters,
    invocationResult: z.enum(['SUCCESS', 'PARTIAL', 'FAILURE']),
  }),
})

const PERMILLE = { LOW_AND_ABOVE: 500, MEDIUM_AND_ABOVE: 750, HIGH: 950 } as const
/** Where it says that there is something, and not how sure it is. */
const MATCHED = 900

export const modelArmor: FilterKind = {
  maxCharacters: MAX_CHARACTERS,
  channels: ['system', 'user', 'assistant', 'tool-result', 'tool-definition', 'reply'],
  headers: (token) => ({ authorization: `Bearer ${token}` }),
  question: (text) => ({ ...askAbout(text), read }),
}

function askAbout({ channel, text }: FilterText): { path: string; body: unknown } {
  return channel === 'reply' || channel === 'assistant'
    ? { path: ':sanitizeModelResponse', body: { modelResponseData: { text } } }
    : { path: ':sanitizeUserPrompt', body: { userPromptData: { text } } }
}

function read(answer: unknown): readonly FilterFinding[] {
  const { sanitizationResult } = readAnswer('model-armor', Answer, answer)
  const { invocationResult, filterMatchState, filterResults } = sanitizationResult
  if (invocationResult !== 'SUCCESS') throw unlooked('model-armor', `it says ${invocationResult}`)
  if (filterMatchState === 'NO_MATCH_FOUND') return []
  const found = resultsOf(filterResults).flatMap(([id, result]): FilterFinding[] => {
    if (result?.matchState !== 'MATCH_FOUND') return []
    const { confidenceLevel } = result
    const permille = confidenceLevel === undefined ? MATCHED : PERMILLE[confidenceLevel]
    return [{ id: `model-armor.${id}`, permille }]
  })
  // a filter that is newer than this file
  return found.length > 0 ? found : [{ id: 'model-armor.match', permille: MATCHED }]
}

type Named = readonly [id: string, result: z.output<typeof Result> | undefined]

function resultsOf(filters: z.output<typeof Filters>): Named[] {
  const { rai, sdp } = filters
  const kinds = Object.entries(rai?.raiFilterResult.raiFilterTypeResults ?? {})
  return [
    ['pi-and-jailbreak', filters.pi_and_jailbreak?.piAndJailbreakFilterResult],
    ['malicious-uris', filters.malicious_uris?.maliciousUriFilterResult],
    ['csam', filters.csam?.csamFilterFilterResult],
    ['sdp', sdp?.sdpFilterResult.inspectResult ?? sdp?.sdpFilterResult.deidentifyResult],
    ...kinds.map(([kind, result]): Named => [`rai-${idOf(kind)}`, result]),
  ]
}

const idOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
