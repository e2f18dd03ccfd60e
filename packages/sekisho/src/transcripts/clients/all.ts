import type { Reading, Transcript, TranscriptClient } from '../claim.ts'
import { claudeCode } from './claude-code.ts'
import { codex } from './codex.ts'
import { geminiCli } from './gemini-cli.ts'
import { openclaw } from './openclaw.ts'
import { opencode } from './opencode.ts'

/** The clients whose own logs are collected. */
export const TRANSCRIPT_CLIENTS: readonly TranscriptClient[] = [
  claudeCode,
  codex,
  geminiCli,
  opencode,
  openclaw,
]

/** @returns null where nobody here knows that client */
export function readTranscript(client: string, transcript: Transcript): Reading | null {
  return TRANSCRIPT_CLIENTS.find(({ name }) => name === client)?.read(transcript) ?? null
}

/** Whether a script looks like what some client runs for itself. */
export function isHousekeeping(script: string): boolean {
  return TRANSCRIPT_CLIENTS.some(({ housekeeping }) =>
    housekeeping.some((pattern) => pattern.test(script)),
  )
}

/** Logs with the journals beside them; a journal whose log is not there stands by itself. */
export function withJournals<File extends { client: string; path: string }>(
  files: readonly File[],
): { log: File; journal: File | null }[] {
  const journals = new Map<string, File>()
  for (const { client, path } of files) {
    const end = TRANSCRIPT_CLIENTS.find(({ name }) => name === client)?.journal
    const journal = end && files.find((one) => one.client === client && one.path === path + end)
    if (journal) journals.set(path, journal)
  }
  const beside = new Set(journals.values())
  return files
    .filter((file) => !beside.has(file))
    .map((log) => ({ log, journal: journals.get(log.path) ?? null }))
}
