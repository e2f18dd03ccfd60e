/** Blocks of a reply in the Messages format, by what they are. */
export type BlockKind = 'text' | 'thinking' | 'call' | 'server' | 'other'

const KINDS: Readonly<Record<string, BlockKind>> = {
  text: 'text',
  thinking: 'thinking',
  tool_use: 'call',
  // run by the provider: what it was called with, and what came of it
  server_tool_use: 'server',
  mcp_tool_use: 'server',
  mcp_tool_result: 'server',
  web_search_tool_result: 'server',
  web_fetch_tool_result: 'server',
  advisor_tool_result: 'server',
  code_execution_tool_result: 'server',
  bash_code_execution_tool_result: 'server',
  text_editor_code_execution_tool_result: 'server',
  tool_search_tool_result: 'server',
  // nothing in them that a client acts upon
  redacted_thinking: 'other',
  container_upload: 'other',
  compaction: 'other',
  fallback: 'other',
  mcp_tool_listing: 'other',
}

/** undefined for a type that nobody here knows */
export function blockKind(type: string): BlockKind | undefined {
  return Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
}

const DELTAS: Readonly<Record<string, readonly BlockKind[]>> = {
  text_delta: ['text'],
  thinking_delta: ['thinking'],
  signature_delta: ['thinking'],
  citations_delta: ['text'],
  input_json_delta: ['call', 'server'],
  compaction_delta: ['other'],
}

/** Kinds of blocks that such a delta belongs to; undefined for a type that nobody here knows. */
export function blocksOfDelta(type: string): readonly BlockKind[] | undefined {
  return Object.hasOwn(DELTAS, type) ? DELTAS[type] : undefined
}
