import * as z from 'zod'
import type { FilterFinding, FilterKind, FilterText } from './content-filter.ts'
import { readAnswer, unlooked } from './read-answer.ts'

/**
 * Amazon Bedrock Guardrails: `POST …/guardrail/ID/version/VERSION/apply`, by a Bedrock API key.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
 */
const PATH = '/apply'
/** 25 text units of 1,000 characters are the most that a request may have. */
const MAX_CHARACTERS = 24_000

const Match = z.object({ action: z.string(), detected: z.boolean().optional() })
const ContentMatch = Match.extend({
  type: z.string().max(64),
  confidence: z.enum(['NONE', 'LOW', 'MEDIUM', 'HIGH']),
})
const Matches = z.array(Match).max(1024).default([])
const Assessment = z.object({
  contentPolicy: z.object({ filters: z.array(ContentMatch).max(64) }).prefault({ filters: [] }),
  topicPolicy: z.object({ topics: Matches }).prefault({}),
  wordPolicy: z.object({ customWords: Matches, managedWordLists: Matches }).prefault({}),
  sensitiveInformationPolicy: z.object({ piiEntities: Matches, regexes: Matches }).prefault({}),
})
const Answer = z.object({
  action: z.enum(['NONE', 'GUARDRAIL_INTERVENED']),
  assessments: z.array(Assessment).max(64),
})

const PERMILLE = { NONE: 0, LOW: 500, MEDIUM: 750, HIGH: 950 } as const
const MATCHED = 900

export const bedrockGuardrail: FilterKind = {
  maxCharacters: MAX_CHARACTERS,
  channels: ['system', 'user', 'assistant', 'tool-result', 'tool-definition', 'reply'],
  headers: (key) => ({ authorization: `Bearer ${key}` }),
  question: (text) => ({ path: PATH, body: askAbout(text), read }),
}

function askAbout({ channel, text }: FilterText): unknown {
  const source = channel === 'reply' || channel === 'assistant' ? 'OUTPUT' : 'INPUT'
  return { source, content: [{ text: { text } }] }
}

function read(answer: unknown): readonly FilterFinding[] {
  const { action, assessments } = readAnswer('bedrock-guardrail', Answer, answer)
  const found = assessments.flatMap(findingsOf)
  if (action === 'NONE') return found.filter(({ permille }) => permille > 0)
  if (assessments.length === 0) throw unlooked('bedrock-guardrail', 'it does not say why')
  return found.length > 0 ? found : [{ id: 'bedrock-guardrail.match', permille: MATCHED }]
}

/** What it has detected, also where the guardrail is set to detect without blocking. */
function findingsOf(assessment: z.output<typeof Assessment>): FilterFinding[] {
  const { contentPolicy, topicPolicy, wordPolicy, sensitiveInformationPolicy } = assessment
  const found = contentPolicy.filters.filter(isDetected).map(ofContent)
  const others: readonly (readonly [string, readonly z.output<typeof Match>[]])[] = [
    ['topic', topicPolicy.topics],
    ['word', Object.values(wordPolicy).flat()],
    ['sensitive-information', Object.values(sensitiveInformationPolicy).flat()],
  ]
  for (const [id, matches] of others) {
    if (matches.some(isDetected)) found.push({ id: `bedrock-guardrail.${id}`, permille: MATCHED })
  }
  return found
}

function ofContent({ type, confidence }: z.output<typeof ContentMatch>): FilterFinding {
  const id = `bedrock-guardrail.${type.toLowerCase().replaceAll('_', '-')}`
  return { id, permille: PERMILLE[confidence] }
}

const isDetected = ({ action, detected }: z.output<typeof Match>): boolean =>
  detected ?? action !== 'NONE'
