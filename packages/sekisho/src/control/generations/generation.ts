import { type Bundle, loadBundle } from '../../policy/bundle.ts'
import { bundleDigest } from '../../policy/bundle-signatures.ts'
import { namedDetectors, requireKnownDetectors } from '../../policy/known-detectors.ts'
import { type Operator, parseOperators } from '../../policy/operators.ts'
import type { Approver, DecisionBundle } from '../../wire/decision.ts'
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
  /** streams that it forbids, and that were closed when it came into force */
  closed: number
  since: Date
}

const OPERATORS_FILE = 'operators.yaml'
const HOLD_TIMEOUT_MS = 300_000

const GRANTED: DecisionBundle['cedar'] = [
  {
    id: 'default.granted',
    policy: {
      effect: 'permit',
      principal: { op: 'All' },
      action: { op: 'All' },
      resource: { op: 'All' },
      conditions: [
        {
          kind: 'when',
          body: {
            '.': { left: { '.': { left: { Var: 'context' }, attr: 'facts' } }, attr: 'granted' },
          },
        },
      ],
    },
  },
]

/** @throws SekishoError CONFIG_INVALID naming file, line and what to do */
export async function readCandidate({ files, registries }: BundleTexts): Promise<Candidate> {
  const bundle = loadBundle(files, registries)
  await checkDetectors(bundle)
  const operators = operatorsIn(files)
  const digest = bundleDigest(files)
  return {
    digest,
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
      digest,
      cedar: GRANTED,
      hosts: [],
      operations: [],
      constraints: [],
      mandates: [],
      users: [],
      approvals: { timeoutMs: HOLD_TIMEOUT_MS },
    }),
  }
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
