/** What one request says in any format, as far as more than one format can say it. */
export type Conversation = {
  model: string
  stream: boolean
  /** null where it is left to the provider */
  maxOutputTokens: number | null
  /** in order; what instructs the model stands in front */
  items: readonly Item[]
  tools: readonly Offered[]
  /** null where it is left to the provider */
  choice: 'auto' | 'required' | 'none' | { tool: string } | null
  isParallel: boolean | null
  temperature: number | null
  topP: number | null
  stop: readonly string[]
  format: ReplyFormat | null
}

export type Role = 'system' | 'user' | 'assistant'

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'image'; mediaType: string; base64: string }
  | { kind: 'image-at'; url: string }

export type Item =
  | { kind: 'said'; role: Role; parts: readonly Part[] }
  /** @property arguments JSON of an object */
  | { kind: 'call'; id: string; tool: string; arguments: string }
  | { kind: 'result'; id: string; parts: readonly Part[] }

export type Offered = {
  /** as the model is to name it */
  name: string
  description: string | null
  /** JSON Schema of its arguments */
  schema: unknown
  isStrict: boolean | null
}

/** JSON that the reply is to be. */
export type ReplyFormat =
  | { kind: 'object' }
  | { kind: 'schema'; name: string; schema: unknown; isStrict: boolean | null }

/**
 * A tool whose name or arguments had to change: one of the Responses API that takes free text, or one
 * in a namespace. Its calls are changed back on their way to the client.
 */
export type ChangedTool = { name: string; namespace: string | null; isCustom: boolean }

/** By the name that the model is given. */
export type ChangedTools = ReadonlyMap<string, ChangedTool>
