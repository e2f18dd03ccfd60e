import { type AgentFile, AgentSchema } from './agent-schema.ts'
import { checkAgent } from './check-agent.ts'
import { explainIssue } from './explain-issue.ts'
import { configInvalid, type Problem } from './problem.ts'
import type { RegistryOrigin } from './registry-config.ts'
import { readYaml } from './yaml-document.ts'

export type { AgentFile } from './agent-schema.ts'

/**
 * The only way from the text of an agent file to an agent. A misspelt key is refused: it must
 * not widen what the agent may do.
 *
 * @param path named in errors; its last part without `.yaml` must be the agent's name
 * @param registries what the preset `package-registries` opens on this machine
 * @throws SekishoError CONFIG_INVALID with file, line and column of up to ten problems
 */
export function parseAgentFile(
  text: string,
  path: string,
  registries: readonly RegistryOrigin[] = [],
): AgentFile {
  const document = readYaml(text, path)
  const refuse = (problems: readonly Problem[]): never => {
    const located = problems.map(({ path: where, at, message, hint }) => ({
      ...document.positionOf(where, at),
      message,
      hint,
    }))
    throw configInvalid(path, located)
  }
  const parsed = AgentSchema.safeParse(document.value)
  if (!parsed.success) {
    return refuse(parsed.error.issues.flatMap((issue) => explainIssue(issue, document.value)))
  }
  const problems = checkAgent(parsed.data, agentNameOf(path), registries)
  return problems.length === 0 ? parsed.data : refuse(problems)
}

/** `claude-code` from `policy/agents/claude-code.yaml` */
export function agentNameOf(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.yaml$/, '')
}
