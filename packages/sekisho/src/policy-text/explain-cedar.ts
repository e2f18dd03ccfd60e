import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs'
import { printable } from '../policy/problem.ts'
import { hintForAttribute, hintForName, readMissing } from './name-hints.ts'
import type { SchemaNames } from './schema-names.ts'

const MAX_MESSAGE_LENGTH = 300

/** One complaint of Cedar's library in the words of this house. */
export type Complaint = {
  message: string
  hint: string | undefined
  /** bytes of the policy's text; null for the whole policy */
  at: number | null
}

/**
 * The library complains once for each action that a policy is about: what it says in one place of
 * several actions becomes one complaint.
 *
 * @param errors about one policy
 */
export function explainCedar(
  errors: readonly DetailedError[],
  names: SchemaNames,
): readonly Complaint[] {
  const places = new Map<string, DetailedError[]>()
  for (const error of withoutConsequences(errors)) {
    const message = cleanMessage(error)
    const key = `${startOf(error)} ${readMissing(message)?.path ?? message}`
    const same = places.get(key)
    if (same === undefined) places.set(key, [error])
    else same.push(error)
  }
  return [...places.values()].flatMap(([first, ...others]): Complaint[] => {
    if (first === undefined) return []
    const message = cleanMessage(first)
    return [
      {
        message: others.length === 0 ? message : ofSeveral(message, others.length + 1),
        hint: hintFor(message, first, names),
        at: startOf(first),
      },
    ]
  })
}

function startOf({ sourceLocations }: DetailedError): number | null {
  return sourceLocations?.[0]?.start ?? null
}

/** In no order that a reader could rely on, so none of them is named. */
function ofSeveral(message: string, count: number): string {
  const missing = readMissing(message)
  if (missing === undefined) return message
  const what = missing.of === 'context' ? 'actions' : 'types of entities'
  return `attribute \`${missing.path}\` not found for ${count} of the ${what} that this policy is about`
}

/** An unknown name makes a policy impossible too: said once, by its cause. */
function withoutConsequences(errors: readonly DetailedError[]): readonly DetailedError[] {
  const isConsequence = ({ message }: DetailedError): boolean =>
    /unable to find an applicable action|policy is impossible/.test(message)
  const causes = errors.filter((error) => !isConsequence(error))
  return causes.length > 0 ? causes : errors.slice(0, 1)
}

function cleanMessage({ message, help }: DetailedError): string {
  // of two types that do not fit, the library says in `help` where
  const where = /^for policy `[^`]*`, ([^.]*)/.exec(help ?? '')?.[1]
  const plain = message
    .replace(/^failed to parse polic(?:y|ies) from string: /, '')
    .replace(/^for policy `[^`]*`, /, '')
    .replaceAll('__cedar::internal::', '')
    .replace(
      'policy is impossible: the policy expression evaluates to false for all valid requests',
      'this policy can never match',
    )
    .replace(
      'unable to find an applicable action given the policy scope constraints',
      'this policy can never match: no action has such a principal and such a resource',
    )
  return printable(where === undefined ? plain : `${plain}: ${where}`, MAX_MESSAGE_LENGTH)
}

function hintFor(message: string, error: DetailedError, names: SchemaNames): string | undefined {
  const missing = readMissing(message)
  // the library takes any attribute for a slip of any other
  if (missing !== undefined) return hintForAttribute(missing, names)
  return (
    hintForName(message, names) ??
    hintForImpossible(message, error.help) ??
    helpOf(error) ??
    expectedTokens(error)
  )
}

function hintForImpossible(message: string, help: string | null): string | undefined {
  if (!message.startsWith('this policy can never match')) return undefined
  return help ?? 'look for conditions that contradict each other, or delete it'
}

/** Of two types that do not fit, the help is a part of the message. */
function helpOf({ help }: DetailedError): string | undefined {
  if (help === null || help.startsWith('for policy `')) return undefined
  return printable(help, MAX_MESSAGE_LENGTH)
}

function expectedTokens({ sourceLocations }: DetailedError): string | undefined {
  const label = sourceLocations?.[0]?.label ?? null
  return label === null ? undefined : printable(label, MAX_MESSAGE_LENGTH)
}
