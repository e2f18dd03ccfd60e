import type { CedarPolicyJson, Expr } from '../../wire/cedar.ts'
import { attributePathOf, nodeOf, operandsOf } from '../../wire/cedar-node.ts'

/** What a policy looks at in the context: the value at a path, or whether there is one. */
type Read = { path: readonly string[]; whole: boolean }

/** Every place of the context that a policy looks at; `context` itself is the empty path. */
export function contextReads({ conditions }: CedarPolicyJson): readonly Read[] {
  const reads: Read[] = []
  for (const { body } of conditions) collect(body, reads)
  return reads
}

/** Whether what a policy reads can depend on what stands at a path, above it or below it. */
export function readsPath(reads: readonly Read[], path: readonly string[]): boolean {
  return reads.some(
    (read) => startsWith(read.path, path) || (read.whole && startsWith(path, read.path)),
  )
}

function startsWith(path: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((name, at) => path[at] === name)
}

function collect(expr: Expr, reads: Read[]): void {
  const path = contextPathOf(expr)
  if (path !== null) {
    reads.push({ path, whole: true })
    return
  }
  const node = nodeOf(expr)
  const base = node.kind === 'has' ? contextPathOf(node.left) : null
  if (node.kind === 'has' && base !== null) {
    reads.push({ path: [...base, ...node.path], whole: false })
    return
  }
  for (const part of operandsOf(node)) collect(part, reads)
}

function contextPathOf(expr: Expr): readonly string[] | null {
  const found = attributePathOf(expr)
  return found?.variable === 'context' ? found.path : null
}
