import { type Bundle, loadBundle } from '../../policy/bundle.ts'
import { namedDetectors, requireKnownDetectors } from '../../policy/known-detectors.ts'
import { type Operator, parseOperators } from '../../policy/operators.ts'
import type { Approver, DecisionBundle } from '../../wire/decision.ts'
import type { BundleTexts } from '../bundle-reader.ts'

/** A bundle that is valid in every part; whether it may come into force is another question. */
export type Candidate = {
  digest: string
  bundle: Bundle
  operators: readonly Operator[]
  approvers: readonly Approver[]
  files: ReadonlyMap<string, string>
  /** @param generation the number that it is put in force under */
  decision(generation: number): DecisionBundle
}

/** A bundle in force. */
export type Generation = Candidate & { number: number }

const OPERATORS_FILE = 'operators.yaml'
const HOLD_TIMEOUT_MS = 300_000

/** @throws SekishoError CONFIG_INVALID naming file, line and what to do */
export async function readCandidate({ files, registries }: BundleTexts): Promise<Candidate> {
  const bundle = loadBundle(files, registries)
  await checkDetectors(bundle)
  const operators = parseOperators(files.get(OPERATORS_FILE) ?? NO_OPERATORS, OPERATORS_FILE)
  return {
    digest: bundle.digest,
    bundle,
    operators,
    approvers: operators.map(({ name, key }) => ({
      name,
      key: key.toString('base64'),
      as: 'operator',
      uid: null,
      enabled: true,
    })),
    files,
    decision: (generation) => ({
      generation,
      digest: bundle.digest,
      cedar: [],
      hosts: [],
      operations: [],
      constraints: [],
      mandates: [],
      users: [],
      approvals: { timeoutMs: HOLD_TIMEOUT_MS },
    }),
  }
}

const NO_OPERATORS = 'version: 1\noperators: []\n'

async function checkDetectors(bundle: Bundle): Promise<void> {
  const named = namedDetectors(bundle.agents.map((name) => bundle.agent(name)))
  if (named.length === 0) return
  const { DETECTORS } = await import('../../detect/egress/all.ts') // some 400, which few files need
  requireKnownDetectors(
    named,
    DETECTORS.map(({ id }) => id),
  )
}
