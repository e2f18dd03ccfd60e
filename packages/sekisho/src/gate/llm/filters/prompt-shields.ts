import * as z from 'zod'
import type { FilterFinding, FilterKind, FilterQuestion, FilterText } from './content-filter.ts'
import { readAnswer, unlooked } from './read-answer.ts'

/**
 * Azure AI Content Safety, Prompt Shields, GA version of the API.
 * https://learn.microsoft.com/azure/ai-services/content-safety/quickstart-jailbreak
 */
const PATH = '/contentsafety/text:shieldPrompt'
const QUERY = 'api-version=2024-09-01'
/** Of the prompt, and of all documents together. */
const MAX_CHARACTERS = 10_000

const Analysis = z.object({ attackDetected: z.boolean() })
const Answer = z.object({
  userPromptAnalysis: Analysis.nullish(),
  documentsAnalysis: z.array(Analysis).nullish(),
})

/** The service says yes or no. */
const DETECTED = 900

export const promptShields: FilterKind = {
  maxCharacters: MAX_CHARACTERS,
  channels: ['system', 'user', 'tool-result', 'tool-definition'],
  headers: (key) => ({ 'ocp-apim-subscription-key': key }),
  question: questionOf,
}

/** What a user writes is a prompt; what comes with it is a document. */
function questionOf({ channel, text }: FilterText): FilterQuestion {
  const isPrompt = channel === 'user'
  return {
    path: PATH,
    query: QUERY,
    body: isPrompt ? { userPrompt: text, documents: [] } : { userPrompt: '', documents: [text] },
    read: (answer) => {
      const { userPromptAnalysis, documentsAnalysis } = readAnswer('prompt-shields', Answer, answer)
      const analysis = isPrompt ? userPromptAnalysis : documentsAnalysis?.[0]
      if (analysis === undefined || analysis === null) {
        throw unlooked('prompt-shields', 'it says nothing of the text')
      }
      return analysis.attackDetected ? [finding(isPrompt)] : []
    },
  }
}

const finding = (isPrompt: boolean): FilterFinding => ({
  id: isPrompt ? 'prompt-shields.user-prompt' : 'prompt-shields.document',
  permille: DETECTED,
})
