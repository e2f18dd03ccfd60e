import type { Bundle } from '../../policy/bundle.ts'
import { GRANTS_NOTHING } from '../../policy/session-policy.ts'
import type { SessionDecision } from '../../wire/decision.ts'
import type { SessionPolicy } from '../../wire/policy.ts'
import type { Phase } from '../../wire/schemas.ts'

/** What of a session its decisions depend on, for as long as it lives. */
export type Subject = {
  agent: string
  /** who began it, as the kernel says */
  uid: number
  phase: Phase
  argv: readonly string[]
  hasWorkspace: boolean
}

/** The bound of one text of a task, and of their number. */
const MAX_TASK_TEXT_LENGTH = 8192
const MAX_TASK_TEXTS = 1024

/**
 * By what a session is decided under one generation. An agent that the bundle does not have any
 * more, and a setup phase that its file does not have, are granted nothing: an empty rule set.
 */
export function sessionDecision(
  generation: {
    number: number
    bundle: Pick<Bundle, 'agents' | 'agent' | 'policyOf' | 'setupPolicyOf'>
  },
  subject: Subject,
): SessionDecision {
  return {
    generation: generation.number,
    agent: subject.agent,
    uid: subject.uid,
    policy: policyOf(generation.bundle, subject),
    begins: beginsWith(subject, generation.bundle),
    task: subject.argv.flatMap(taskTexts).slice(0, MAX_TASK_TEXTS),
  }
}

type Rules = Pick<Bundle, 'agents' | 'agent' | 'policyOf' | 'setupPolicyOf'>

function policyOf(bundle: Rules, { agent: name, phase }: Subject): SessionPolicy {
  if (!bundle.agents.includes(name)) return GRANTS_NOTHING
  const agent = bundle.agent(name)
  if (phase === 'agent') return bundle.policyOf(agent)
  return bundle.setupPolicyOf(agent) ?? GRANTS_NOTHING
}

/** The files are the organisation's own, as far as the agent file says nothing else of them. */
function beginsWith(
  { agent: name, hasWorkspace }: Subject,
  bundle: Rules,
): SessionDecision['begins'] {
  const task = { what: 'task', label: { integrity: 'user', confidentiality: 'public' } } as const
  if (!hasWorkspace) return [task]
  const label = bundle.agents.includes(name) ? bundle.agent(name).workspace.label : UNKNOWN
  return [{ what: 'workspace', label }, task]
}

/** Of an agent that the bundle does not have any more. */
const UNKNOWN = { integrity: 'untrusted', confidentiality: 'secret' } as const

/** Cut between words only: half an address would be another one. */
function taskTexts(word: string): readonly string[] {
  if (word.length <= MAX_TASK_TEXT_LENGTH) return [word]
  const texts: string[] = []
  let text = ''
  for (const part of word.split(/(?<=\s)/)) {
    if (text.length + part.length > MAX_TASK_TEXT_LENGTH) {
      texts.push(text)
      text = ''
    }
    if (part.length <= MAX_TASK_TEXT_LENGTH) text += part // what is longer is no address
  }
  return [...texts, text].filter((piece) => piece !== '')
}
