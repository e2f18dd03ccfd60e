import type { ToolTable } from './tool-entry.ts'

/** opencode 1.18. It takes names in any case. */
export const OPENCODE_TOOLS: ToolTable = {
  bash: { does: 'shell', lines: ['command'] },
  edit: { does: 'write', paths: ['filePath'] },
  multiedit: { does: 'write', paths: ['filePath'] },
  write: { does: 'write', paths: ['filePath'] },
  patch: { does: 'write', patches: ['patchText'] },
  apply_patch: { does: 'write', patches: ['patchText'] },
  read: { does: 'read', paths: ['filePath'] },
  list: { does: 'read', paths: ['path'] },
  glob: { does: 'read', paths: ['path', 'pattern'] },
  grep: { does: 'read', paths: ['path'] },
  lsp: { does: 'read', paths: ['filePath'] },
  webfetch: { does: 'fetch', urls: ['url'] },
  websearch: { does: 'fetch', texts: ['query'] },
  codesearch: { does: 'fetch', texts: ['query'] },
  task: { does: 'spawn' },
  skill: { does: 'other' },
  question: { does: 'other' },
  todowrite: { does: 'other' },
  todoread: { does: 'other' },
  plan_enter: { does: 'other' },
  plan_exit: { does: 'other' },
  invalid: { does: 'other' },
}
