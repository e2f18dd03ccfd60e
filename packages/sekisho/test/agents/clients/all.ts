import type { AgentClient } from '../agent-client.ts'
import { claudeCode } from './claude-code.ts'
import { claudeCodeBedrock } from './claude-code-bedrock.ts'
import { claudeCodeBedrockSigned } from './claude-code-bedrock-signed.ts'
import { codex } from './codex.ts'
import { geminiCli } from './gemini-cli.ts'
import { openclaw } from './openclaw.ts'
import { opencode, opencodeChat, opencodeResponses } from './opencode.ts'

/** The first ones run always; all of them with `npm run test:agents -- --all`. */
const ALWAYS = 2

export const CLIENTS: readonly AgentClient[] = [
  claudeCode,
  codex,
  claudeCodeBedrock,
  claudeCodeBedrockSigned,
  geminiCli,
  opencode,
  opencodeChat,
  opencodeResponses,
  openclaw,
]

export function clientsToRun(): readonly AgentClient[] {
  return process.env['SEKISHO_TEST_AGENTS'] === 'all' ? CLIENTS : CLIENTS.slice(0, ALWAYS)
}

/** @throws RangeError when there is no such client */
export function clientNamed(id: string): AgentClient {
  const found = CLIENTS.find((client) => client.id === id)
  if (found === undefined) throw new RangeError(`no client ${id}`)
  return found
}
