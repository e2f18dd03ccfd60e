import type { JsonObject } from './json-object.ts'

/** Items of a reply in the Responses format, by what becomes of them. */
export type ItemKind = 'message' | 'reasoning' | 'call' | 'server' | 'other'

const KINDS: Readonly<Record<string, ItemKind>> = {
  message: 'message',
  reasoning: 'reasoning',
  function_call: 'call',
  custom_tool_call: 'call',
  local_shell_call: 'call',
  shell_call: 'call',
  apply_patch_call: 'call',
  computer_call: 'call',
  // the client says yes to it, or asks its user
  mcp_approval_request: 'call',
  tool_search_call: 'call',
  // run by the provider
  web_search_call: 'server',
  file_search_call: 'server',
  code_interpreter_call: 'server',
  image_generation_call: 'server',
  mcp_call: 'server',
  mcp_list_tools: 'server',
  program: 'server',
  program_output: 'server',
  tool_search_output: 'server',
  function_call_output: 'server',
  custom_tool_call_output: 'server',
  local_shell_call_output: 'server',
  shell_call_output: 'server',
  apply_patch_call_output: 'server',
  computer_call_output: 'server',
  // nothing in them that a client acts upon
  additional_tools: 'other',
  compaction: 'other',
  compaction_summary: 'other',
  mcp_approval_response: 'other',
}

/**
 * A shell in a container of the provider's is a call as well: that the item says so is no reason for
 * a client that has a shell of its own not to run it there.
 *
 * @returns undefined for a type that nobody here knows
 */
export function itemKind(item: JsonObject): ItemKind | undefined {
  const type = String(item['type'])
  if (!Object.hasOwn(KINDS, type)) return undefined
  if (type === 'tool_search_call' && item['execution'] === 'server') return 'server'
  return KINDS[type]
}

export type EventKind =
  | 'lifecycle'
  | 'terminal'
  | 'added'
  | 'done'
  | 'delta'
  | 'text-done'
  | 'part'
  | 'arguments'
  | 'arguments-done'
  | 'harmless'
  | 'failure'

const EVENTS: Readonly<Record<string, EventKind>> = {
  'response.created': 'lifecycle',
  'response.queued': 'lifecycle',
  'response.in_progress': 'lifecycle',
  'response.completed': 'terminal',
  'response.incomplete': 'terminal',
  'response.failed': 'terminal',
  'response.done': 'terminal',
  'response.output_item.added': 'added',
  'response.output_item.done': 'done',
  'response.output_text.delta': 'delta',
  'response.refusal.delta': 'delta',
  'response.reasoning_text.delta': 'delta',
  'response.reasoning_summary_text.delta': 'delta',
  'response.output_text.done': 'text-done',
  'response.refusal.done': 'text-done',
  'response.reasoning_text.done': 'text-done',
  'response.reasoning_summary_text.done': 'text-done',
  'response.content_part.added': 'part',
  'response.content_part.done': 'part',
  'response.reasoning_summary_part.added': 'part',
  'response.reasoning_summary_part.done': 'part',
  'response.function_call_arguments.delta': 'arguments',
  'response.custom_tool_call_input.delta': 'arguments',
  'response.function_call_arguments.done': 'arguments-done',
  'response.custom_tool_call_input.done': 'arguments-done',
  'response.output_text.annotation.added': 'harmless',
  'response.audio.delta': 'harmless',
  'response.audio.done': 'harmless',
  'response.audio.transcript.delta': 'harmless',
  'response.audio.transcript.done': 'harmless',
  'response.web_search_call.in_progress': 'harmless',
  'response.web_search_call.searching': 'harmless',
  'response.web_search_call.completed': 'harmless',
  'response.file_search_call.in_progress': 'harmless',
  'response.file_search_call.searching': 'harmless',
  'response.file_search_call.completed': 'harmless',
  'response.code_interpreter_call.in_progress': 'harmless',
  'response.code_interpreter_call.interpreting': 'harmless',
  'response.code_interpreter_call.completed': 'harmless',
  'response.code_interpreter_call_code.delta': 'harmless',
  'response.code_interpreter_call_code.done': 'harmless',
  'response.image_generation_call.in_progress': 'harmless',
  'response.image_generation_call.generating': 'harmless',
  'response.image_generation_call.partial_image': 'harmless',
  'response.image_generation_call.completed': 'harmless',
  'response.mcp_call.in_progress': 'harmless',
  'response.mcp_call.completed': 'harmless',
  'response.mcp_call.failed': 'harmless',
  'response.mcp_call_arguments.delta': 'harmless',
  'response.mcp_call_arguments.done': 'harmless',
  'response.mcp_list_tools.in_progress': 'harmless',
  'response.mcp_list_tools.completed': 'harmless',
  'response.mcp_list_tools.failed': 'harmless',
  // of calls whose item has all of it at its end
  'response.apply_patch_call_operation_diff.delta': 'harmless',
  'response.apply_patch_call_operation_diff.done': 'harmless',
  'response.shell_call_command.added': 'harmless',
  'response.shell_call_command.delta': 'harmless',
  'response.shell_call_command.done': 'harmless',
  'response.shell_call_output_content.delta': 'harmless',
  'response.shell_call_output_content.done': 'harmless',
  // what the servers of Codex send beside
  'response.metadata': 'harmless',
  'codex.rate_limits': 'harmless',
  keepalive: 'harmless',
  error: 'failure',
}

/** undefined for a type that nobody here knows */
export function eventKind(type: string): EventKind | undefined {
  return Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined
}
