import * as z from 'zod'
import type { RecordedRequest, Script, ScriptedReply } from './scripted-server.ts'
import { callOf, jsonCall, parseJson, type SpellShell, type Turn } from './turn.ts'

const FunctionResponse = z.looseObject({
  functionResponse: z.looseObject({
    response: z.looseObject({ output: z.string().optional(), error: z.string().optional() }),
  }),
})
const GeminiRequest = z.looseObject({
  contents: z.array(z.looseObject({ parts: z.array(z.unknown()).optional() })),
  tools: z.array(z.unknown()).optional(),
})
type GeminiRequest = z.infer<typeof GeminiRequest>

const CALL = /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/

/**
 * generateContent as far as the published Gemini CLI needs it. A request without tools is its own
 * question which model to ask (its router), which wants JSON: then it takes the lesser one.
 */
export function geminiScript(turns: readonly Turn[], shell: SpellShell): Script {
  return ({ target, body }) => {
    const { pathname, searchParams } = new URL(target, 'https://provider.invalid')
    const [, model = '', method] = CALL.exec(pathname) ?? []
    if (method === undefined) return failure(404, `the script has no ${pathname}`)
    if (method === 'countTokens') return { kind: 'json', status: 200, body: { totalTokens: 100 } }
    const parsed = parseRequest(body)
    if (parsed === undefined) return failure(400, 'not a generateContent request')
    const chunks = chunksOf(model, partFor(parsed, turns, shell))
    const isStream = method === 'streamGenerateContent' && searchParams.get('alt') === 'sse'
    if (isStream) return { kind: 'events', events: chunks.map((data) => ({ data })) }
    return { kind: 'json', status: 200, body: chunks[0] }
  }
}

/** Texts of every function response in the recorded requests, once each, in order. */
export function functionOutputsSeen(requests: readonly RecordedRequest[]): string[] {
  const texts = requests.flatMap(({ target, body }) => {
    const parsed = target.includes('enerateContent') ? parseRequest(body) : undefined
    return parsed === undefined ? [] : functionOutputs(parsed)
  })
  return [...new Set(texts)]
}

function failure(code: number, message: string): ScriptedReply {
  const body = { error: { code, message, status: 'INVALID_ARGUMENT' } }
  return { kind: 'json', status: code, body }
}

function partFor(request: GeminiRequest, turns: readonly Turn[], shell: SpellShell): object {
  const seen = functionOutputs(request).length
  if ((request.tools ?? []).length === 0) {
    return { text: JSON.stringify({ complexity_reasoning: 'scripted', complexity_score: 1 }) }
  }
  const turn = turns[seen] ?? { kind: 'text', text: 'Done.' }
  if (turn.kind === 'text') return { text: turn.text }
  const { name, input } = jsonCall(callOf(turn, shell))
  return { functionCall: { name, args: input, id: `call_${seen}` } }
}

function chunksOf(model: string, part: object): object[] {
  const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 }
  const content = { role: 'model', parts: [part] }
  return [
    {
      candidates: [{ content, finishReason: 'STOP', index: 0 }],
      usageMetadata,
      modelVersion: model,
      responseId: 'scripted',
    },
  ]
}

function functionOutputs({ contents }: GeminiRequest): string[] {
  return contents
    .flatMap(({ parts = [] }) => parts)
    .flatMap((part) => {
      const parsed = FunctionResponse.safeParse(part)
      return parsed.success ? [textOf(parsed.data.functionResponse.response)] : []
    })
}

function textOf({
  output = '',
  error = '',
}: {
  output?: string | undefined
  error?: string | undefined
}): string {
  return output + error
}

function parseRequest(body: string): GeminiRequest | undefined {
  const parsed = GeminiRequest.safeParse(parseJson(body))
  return parsed.success ? parsed.data : undefined
}
