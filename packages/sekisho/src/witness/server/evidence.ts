import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createDurably } from '../durable-file.ts'

/** Files that a log's bad proofs may fill; forks are not counted, for one stops the log. */
const MAX_BAD_PROOFS = 100

export type Evidence = {
  found: 'fork' | 'bad-proof'
  origin: string
  /** ISO 8601, the witness's clock */
  at: string
  /** both notes are signed by the log, which is what makes a fork a proof */
  cosigned: string
  submitted: string
  /** base64; of a bad proof, what was to prove it */
  proof: string[]
}

/**
 * Keeps what was found as a file of its own, durable before the witness answers.
 *
 * @returns its path; undefined where there are enough of this kind
 */
export function keepEvidence(dir: string, evidence: Evidence): string | undefined {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const names = readdirSync(dir).filter((name) => name.endsWith('.json'))
  const alike = names.filter((name) => name.startsWith('bad-proof-'))
  if (evidence.found === 'bad-proof' && alike.length >= MAX_BAD_PROOFS) return undefined
  const stamp = evidence.at.replaceAll(/[^0-9]/g, '')
  const path = join(dir, `${evidence.found}-${stamp}-${names.length + 1}.json`)
  createDurably(path, `${JSON.stringify(evidence, null, 2)}\n`, 0o600)
  return path
}

/** Names of what is kept, oldest first within each kind. */
export function listEvidence(dir: string): string[] {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return readdirSync(dir)
    .filter((name) => name.endsWith('.json'))
    .sort()
}
