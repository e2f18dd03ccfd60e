import { SekishoError } from '../core/error.ts'
import type { AgentFile } from '../policy/agent-file.ts'
import type { SessionEnd } from '../wire/control.ts'
import type { RunRequest } from './sessions.ts'

/**
 * What runs before the agent, in a session of its own.
 *
 * @returns null where nothing does: a session that begins from a snapshot has been set up
 * @throws SekishoError CONFIG_INVALID when the agent file gives a setup phase no network
 */
export function setupCommand(
  { setup, from }: Pick<RunRequest, 'setup' | 'from'>,
  agent: Pick<AgentFile, 'name' | 'setup'>,
): string[] | null {
  if (setup === null) return null
  if (setup === undefined) return from === null ? (agent.setup?.command ?? null) : null
  if (agent.setup !== null) return ['sh', '-c', setup]
  throw new SekishoError('CONFIG_INVALID', `agent ${agent.name} has no setup phase`, {
    hint: 'say in its file, under `setup`, what the setup phase may reach',
  })
}

/** What whoever asked for the agent is told instead. */
export function describeFailedSetup({ exitCode, message, hint }: SessionEnd): {
  message: string
  hint: string | null
} {
  const how = message === null ? `ended with exit code ${exitCode}` : `ended: ${message}`
  return { message: `the setup phase ${how}; the agent was not started`, hint }
}
