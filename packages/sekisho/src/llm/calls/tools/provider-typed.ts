import type { ToolTable } from './tool-entry.ts'

/** Tools that providers define and clients carry out. */
export const PROVIDER_TYPED_TOOLS: ToolTable = {
  bash: { does: 'shell', lines: ['command'] },
  str_replace_editor: { does: 'write', paths: ['path'] },
  str_replace_based_edit_tool: { does: 'write', paths: ['path'] },
  memory: { does: 'write', paths: ['path', 'old_path', 'new_path'] },
  computer: { does: 'shell', code: ['text'] },
  computer_call: { does: 'shell', code: ['action.text'] },
  python: { does: 'shell', code: ['code'] },
  code_interpreter: { does: 'shell', code: ['code'] },
}
