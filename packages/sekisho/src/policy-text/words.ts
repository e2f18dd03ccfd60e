import { WORDS_IN_FACTS, WORDS_OF_FACTS } from '../policy/decision/fact-words.ts'
import { suggest } from '../policy/nearest.ts'
import { printable } from '../policy/problem.ts'
import { type CedarNode, nodeOf, operandsOf } from '../wire/cedar-node.ts'
import type { CedarPolicy, Expr } from '../wire/cedar.ts'
import type { CedarProblem } from './load-cedar.ts'
import { type PolicyText, positionIn } from './split-policies.ts'

/** Texts that Cedar's types know as String, and that are one of a few words all the same. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  ...WORDS_OF_FACTS,
  ...WORDS_IN_FACTS,
  transport: ['tcp', 'udp', 'icmp', 'icmpv6', 'other'],
  scheme: ['http', 'https', 'tcp', 'tls', 'none'],
  ecosystem: ['npm', 'pypi'],
}

/** What these words are attributes of, so that an operation's own `effect` is left alone. */
const HOLDERS = ['facts', 'resource', 'http', 'connect', 'package']

/** A comparison with a word that there is not: it holds never, or always, whatever was meant. */
export function unknownWords(source: PolicyText, { id, policy }: CedarPolicy): CedarProblem[] {
  const problems: CedarProblem[] = []
  const pending = policy.conditions.map(({ body }) => body)
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    const node = nodeOf(expr)
    pending.push(...operandsOf(node))
    for (const { attribute, word } of comparedWords(node)) {
      const known = WORDS[attribute] ?? []
      if (known.includes(word)) continue
      const at = positionIn(source, Math.max(0, source.text.indexOf(JSON.stringify(word))))
      problems.push({
        file: source.file,
        ...at,
        message: `${attribute} is never "${printable(word)}"`,
        hint: suggest(word, known, `it is one of ${known.join(', ')}`),
        severity: 'error',
        policy: id,
      })
    }
  }
  return problems
}

type Compared = { attribute: string; word: string }

const COMPARING: readonly string[] = ['==', '!=', 'contains', 'containsAll', 'containsAny']

function comparedWords(node: CedarNode): readonly Compared[] {
  if (node.kind !== 'binary' || !COMPARING.includes(node.operator)) return []
  const attribute = wordAttribute(node.left) ?? wordAttribute(node.right)
  if (attribute === undefined) return []
  return [...textsIn(node.left), ...textsIn(node.right)].map((word) => ({ attribute, word }))
}

/** The name of the attribute, where it is one of few words. */
function wordAttribute(expr: Expr): string | undefined {
  const node = nodeOf(expr)
  if (node.kind !== 'attribute' || !Object.hasOwn(WORDS, node.name)) return undefined
  const holder = nodeOf(node.left)
  const name = holder.kind === 'attribute' || holder.kind === 'variable' ? holder.name : ''
  return HOLDERS.includes(name) ? node.name : undefined
}

function textsIn(expr: Expr): readonly string[] {
  const node = nodeOf(expr)
  if (node.kind === 'set') return node.items.flatMap(textsIn)
  if (node.kind !== 'value') return []
  const values: readonly unknown[] = Array.isArray(node.value) ? node.value : [node.value]
  return values.filter((value) => typeof value === 'string')
}
