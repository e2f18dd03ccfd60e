import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { canaryPrints } from '../detect/egress/canaries/canary-prints.ts'
import { CANARY_RANDOM_BYTES, makeCanary } from '../detect/egress/canaries/make-canary.ts'
import type { SecretPrints, SecretPrintSet } from '../wire/secret-prints.ts'

/** What a gate knows the canaries of one session by, and the key that its secrets' prints share. */
export type CanaryPrints = { key: string; prints: SecretPrints[] }

/**
 * Plants credentials that nobody has issued, where whoever looks for some would look first. They are
 * the agent's own files: a tool that is set up inside overwrites them, and nothing is said then.
 *
 * @param home on the host; the session's, furnished
 */
export function plantCanaries(home: string, agentId: number): CanaryPrints {
  const canary = makeCanary(randomBytes(CANARY_RANDOM_BYTES))
  for (const { path, content } of canary.files) {
    makeParents(home, dirname(path), agentId)
    const file = join(home, path)
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
    chownSync(file, agentId, agentId)
  }
  const key = randomBytes(32)
  return { key: key.toString('base64'), prints: canaryPrints(canary, key) }
}

/** @param secrets prints of the session's secrets, made with the canaries' key */
export function printSet({ key, prints }: CanaryPrints, secrets: SecretPrints[]): SecretPrintSet {
  return { key, secrets: [...prints, ...secrets] }
}

function makeParents(home: string, path: string, agentId: number): void {
  if (path === '.' || existsSync(join(home, path))) return
  makeParents(home, dirname(path), agentId)
  mkdirSync(join(home, path), { mode: 0o700 })
  chownSync(join(home, path), agentId, agentId)
}
