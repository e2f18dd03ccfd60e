import { type Bundle, loadBundle } from '../policy/bundle.ts'
import { bundleDigest } from '../policy/bundle-signatures.ts'
import { type Operator, parseOperators } from '../policy/operators.ts'
import { bundleInvalid } from '../policy/problem.ts'
import type { RegistryUrl } from '../policy/registry-config.ts'
import { parseUsers, type UserEntry } from '../policy/users-file.ts'
import type { Approver, DecisionBundle } from '../wire/decision.ts'
import { readBundleCedar } from './bundle-cedar.ts'
import { readBundleParts } from './bundle-parts.ts'
import type { CedarProblem, CedarReading } from './load-cedar.ts'
import { SCHEMA_FILE, strayFiles } from './stray-files.ts'
import { SCHEMA_TEXT } from './schema-text.ts'

export const OPERATORS_FILE = 'operators.yaml'
export const USERS_FILE = 'users.yaml'

/** All that a bundle says, valid in every part: what a generation is made of. */
export type LoadedPolicy = {
  bundle: Bundle
  /** over every byte of its files that means something */
  digest: string
  operators: readonly Operator[]
  users: readonly UserEntry[]
  /** whose keys may answer holds */
  approvers: readonly Approver[]
  /** @param generation the number that it is put in force under */
  decision: (generation: number) => DecisionBundle
  cedar: CedarReading
  /** what is worth a look and leaves the bundle valid */
  warnings: readonly CedarProblem[]
}

/**
 * Reads a whole bundle from the texts of its files. One bad file refuses the whole.
 *
 * @param files text by path below the bundle's directory
 * @param registryUrls of this machine's npm, apt and pip configuration
 * @throws SekishoError CONFIG_INVALID with file, line, column and hint
 */
export async function loadPolicy(
  files: ReadonlyMap<string, string>,
  registryUrls: readonly RegistryUrl[],
): Promise<LoadedPolicy> {
  const stray = strayFiles([...files.keys()])
  if (stray.length > 0) throw bundleInvalid(stray)
  const bundle = loadBundle(files, registryUrls)
  const digest = bundleDigest(files)
  const operators = readFile(files, OPERATORS_FILE, parseOperators)
  const users = readFile(files, USERS_FILE, parseUsers)
  const approvers = [...operators.map(operatorApprover), ...users.flatMap(userApprover)]
  const parts = readBundleParts(files, { bundle, users, approvers })
  const cedar = await readBundleCedar(files, parts)
  const errors = cedar.problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw bundleInvalid(errors)
  return {
    bundle,
    digest,
    operators,
    users,
    approvers,
    decision: (generation) => ({
      generation,
      digest,
      cedar: [...cedar.policies],
      ...parts,
      users: users.map(({ name, uid, groups, enabled }) => ({
        name,
        uid,
        groups: [...groups],
        enabled,
      })),
    }),
    cedar,
    warnings: [...cedar.problems, ...schemaWarnings(files)],
  }
}

/** @returns an empty list where the bundle has no such file */
function readFile<T>(
  files: ReadonlyMap<string, string>,
  path: string,
  parse: (text: string, path: string) => readonly T[],
): readonly T[] {
  const text = files.get(path)
  return text === undefined ? [] : parse(text, path)
}

function operatorApprover({ name, key }: Operator): Approver {
  return { name, key: key.toString('base64'), as: 'operator', uid: null, enabled: true }
}

function userApprover({ name, uid, enabled, key }: UserEntry): readonly Approver[] {
  if (key === null) return []
  return [{ name, key: key.toString('base64'), as: 'user', uid, enabled }]
}

/** It is there for editors; an old one would let them say what the platform does not. */
function schemaWarnings(files: ReadonlyMap<string, string>): readonly CedarProblem[] {
  const text = files.get(SCHEMA_FILE)
  if (text === undefined || text === SCHEMA_TEXT) return []
  return [
    {
      file: SCHEMA_FILE,
      line: 1,
      column: 1,
      message: "this is not the platform's schema, by which policies are checked",
      hint: 'copy it anew from the policy directory of the platform',
      severity: 'warning',
      policy: null,
    },
  ]
}
