import type { TranscriptClient } from '../claim.ts'
import { claudeCode } from './claude-code.ts'
import { codex } from './codex.ts'
import { geminiCli } from './gemini-cli.ts'
import { openclaw, opencode } from './sqlite-clients.ts'

/** The clients whose own logs are collected. */
export const TRANSCRIPT_CLIENTS: readonly TranscriptClient[] = [
  claudeCode,
  codex,
  geminiCli,
  opencode,
  openclaw,
]

/** Whether a script looks like what some client runs for itself. */
export function isHousekeeping(script: string): boolean {
  return TRANSCRIPT_CLIENTS.some(({ housekeeping }) =>
    housekeeping.some((pattern) => pattern.test(script)),
  )
}
