import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import type { ModelCallAction, ToolCallAction } from '../../core/action.ts'
import { MODEL_APIS } from '../../core/action.ts'
import { canonicalCall } from '../../llm/calls/canonical-call.ts'
import { printable, type Read } from '../../policy/problem.ts'

/** Of a model that nobody names. */
const SOME_MODEL = { provider: 'some', model: 'model' } as const

/** Which model is asked, as a test or a trial says it of a request. */
export const ModelText = z.strictObject({
  provider: z.string().min(1).max(64),
  model: z.string().min(1).max(256),
  api: z.enum(MODEL_APIS).default('messages'),
  stream: z.boolean().default(true),
  /** types of tools that the provider would run by itself */
  serverTools: z.array(z.string().max(128)).max(64).default([]),
})
export type ModelText = z.output<typeof ModelText>

/** A tool's call as a model proposes it to a client. */
export const ToolCallText = z.strictObject({
  tool: z.string().min(1).max(256),
  /** arguments: JSON, or the text of a tool that takes one, such as a program */
  input: z.json().default({}),
  /** as the format of the reply has it, where that says what the tool is: `local_shell_call` */
  type: z.string().max(64).default(''),
})
export type ToolCallText = z.output<typeof ToolCallText>

/** Read by the very code that reads what models propose. */
export type ReadCall = {
  /** each has to be allowed */
  actions: readonly ToolCallAction[]
  /** ids of detectors */
  findings: readonly string[]
}

export function readToolCall(
  { tool, input, type }: ToolCallText,
  { provider, model }: Pick<ModelText, 'provider' | 'model'> = SOME_MODEL,
): Read<ReadCall> {
  const isText = typeof input === 'string'
  const read = canonicalCall(
    {
      index: 0,
      callId: null,
      tool,
      type,
      arguments: isText ? input : JSON.stringify(input),
      format: isText ? 'text' : 'json',
    },
    { provider, model },
  )
  if (read.kind === 'refused') return { problem: `the call of ${printable(tool)}: ${read.reason}` }
  return {
    value: { actions: read.actions, findings: read.findings.map(({ detector }) => detector) },
  }
}

/** `--tool-call` of `sekisho policy try`. */
export function readToolCallFlag(text: string): Read<ToolCallText> {
  const parsed = ToolCallText.safeParse(jsonOf(text))
  if (parsed.success) return { value: parsed.data }
  const hint = `write '{"tool":"Bash","input":{"command":"git status"}}'`
  return { problem: '`--tool-call` is no call of a tool', hint }
}

/** `--model anthropic:claude-sonnet-5`, and `--server-tool` as often as the request offers one. */
export function readModelFlag(text: string, serverTools: readonly string[]): Read<ModelText> {
  const [, provider, model] = /^([^:]+):(.+)$/s.exec(text) ?? []
  const parsed = ModelText.safeParse({ provider, model, serverTools: [...serverTools] })
  if (parsed.success) return { value: parsed.data }
  return { problem: `\`${printable(text)}\` is no model`, hint: 'write anthropic:claude-sonnet-5' }
}

/** The model call that a request means. */
export function modelCallOf(
  model: ModelText,
  { scheme, host, port, path }: Pick<ModelCallAction, 'scheme' | 'host' | 'port' | 'path'>,
): ModelCallAction {
  return { kind: 'llm.generate', ...model, scheme, host, port, path }
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
