import type { Bundle } from '../../policy/bundle.ts'
import type { CompiledBundle } from '../../policy/decision/compiled-bundle.ts'
import { namedDetectors, requireKnownDetectors } from '../../policy/known-detectors.ts'
import { type Operator, parseOperators } from '../../policy/operators.ts'
import type { Approver, DecisionBundle } from '../../wire/decision.ts'
import { loadPolicy } from '../../policy-text/load-policy.ts'
import type { BundleTexts } from '../bundle-reader.ts'
import type { Admitted } from './admission.ts'

/** A bundle that is valid in every part; whether it may come into force is another question. */
export type Candidate = {
  digest: string
  bundle: Bundle
  operators: readonly Operator[]
  approvers: readonly Approver[]
  files: ReadonlyMap<string, string>
  /** @param generation the number that it is put in force under */
  decision: (generation: number) => DecisionBundle
}

/** A bundle in force. */
export type Generation = Candidate & {
  number: number
  admitted: Admitted
  /** made when it is first asked for */
  compiled(): CompiledBundle
  /** streams that it forbids, and that were closed when it came into force */
  closed: number
  since: Date
}

const OPERATORS_FILE = 'operators.yaml'
/** @throws SekishoError CONFIG_INVALID naming file, line and what to do */
export async function readCandidate({ files, registries }: BundleTexts): Promise<Candidate> {
  const { bundle, digest, operators, approvers, decision } = await loadPolicy(files, registries)
  await checkDetectors(bundle)
  return { digest, bundle, operators, approvers, files, decision }
}

/** @throws SekishoError CONFIG_INVALID */
export function operatorsIn(files: ReadonlyMap<string, string>): readonly Operator[] {
  const text = files.get(OPERATORS_FILE)
  return text === undefined ? [] : parseOperators(text, OPERATORS_FILE)
}

async function checkDetectors(bundle: Bundle): Promise<void> {
  const named = namedDetectors(bundle.agents.map((name) => bundle.agent(name)))
  if (named.length === 0) return
  const { DETECTORS } = await import('../../detect/egress/all.ts') // some 400, which few files need
  requireKnownDetectors(
    named,
    DETECTORS.map(({ id }) => id),
  )
}
