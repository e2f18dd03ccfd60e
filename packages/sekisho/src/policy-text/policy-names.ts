import { findNearest } from '../policy/nearest.ts'
import { printable, type Read } from '../policy/problem.ts'
import type { CedarPolicy, CedarPolicyJson } from '../wire/cedar.ts'
import type { CedarProblem } from './load-cedar.ts'
import { type PolicyText, positionIn } from './split-policies.ts'

const MAX_ID_LENGTH = 96

/** What others than the bundle's policies are called in a verdict. */
const RESERVED =
  /^(?:default$|(?:invariant|constraint|preset|keyholder|operation|policy|detect|exec|limit|provenance|budget|packages?|cedar)\.)/

/** Annotations with a meaning here. */
const ANNOTATIONS = ['id', 'reason', 'owner']

/** The id of `@id`, or the file's name and the policy's place in it: `team/mail.cedar#2`. */
export function policyId(
  file: string,
  position: number,
  { annotations = {} }: CedarPolicyJson,
): Read<string> {
  const given = annotations['id']
  if (given === undefined) {
    const id = `${file}#${position}`
    if (id.length <= MAX_ID_LENGTH && printable(id) === id) return { value: id }
    return { problem: 'this policy needs an @id', hint: 'the file has too long a name for one' }
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(given) || given.length > MAX_ID_LENGTH) {
    return {
      problem: `\`${printable(given)}\` is no id of a policy`,
      hint: 'want letters, digits, `.`, `_`, `/` and `-`, at most 96',
    }
  }
  if (!RESERVED.test(given)) return { value: given }
  return { problem: `\`${given}\` is a name of the platform's own rules`, hint: 'take another one' }
}

/** Cedar takes any annotation; a slip in one of ours would take its meaning away. */
export function checkAnnotations(
  source: PolicyText,
  { id, policy: { annotations = {} } }: CedarPolicy,
): readonly CedarProblem[] {
  return Object.keys(annotations).flatMap((name): CedarProblem[] => {
    if (ANNOTATIONS.includes(name)) return []
    const meant = findNearest(name, ANNOTATIONS)
    if (meant === undefined) return []
    const at = positionIn(source, Math.max(0, source.text.indexOf(`@${name}`)))
    const message = `the annotation @${printable(name)} means nothing here`
    const hint = `did you mean \`@${meant}\`?`
    return [{ file: source.file, ...at, message, hint, severity: 'warning', policy: id }]
  })
}
