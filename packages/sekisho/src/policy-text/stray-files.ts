import { suggest } from '../policy/nearest.ts'
import type { FileProblem } from '../policy/problem.ts'

export const SCHEMA_FILE = 'sekisho.cedarschema'

/** What each file of a bundle may be called. */
const KNOWN: readonly RegExp[] = [
  /(?:^|\/)agents\/[^/]+$/, // their reader says what is wrong with a name
  /^operations\/.+\.yaml$/,
  /^mandates\/.+\.yaml$/,
  /^tests\/.+\.yaml$/,
  /\.cedar$/,
]
const NAMES = [
  'operators.yaml',
  'users.yaml',
  'hosts.yaml',
  'constraints.yaml',
  'alerts.yaml',
  'approvals.yaml',
  'models.yaml',
  'prices.yaml',
  'budgets.yaml',
  'signatures.yaml',
  'platform.yaml',
  SCHEMA_FILE,
]
const PLACES = 'agents/, operations/, mandates/ and tests/'

/** Files that mean nothing: `host.yaml`, beside which somebody believes that a host is labelled. */
export function strayFiles(paths: readonly string[]): readonly FileProblem[] {
  return paths
    .filter((path) => !NAMES.includes(path) && KNOWN.every((known) => !known.test(path)))
    .map((path) => ({
      file: path,
      line: 1,
      column: 1,
      message: 'no file of a bundle has this name',
      hint: suggest(path, NAMES, `there are ${NAMES.join(', ')}, and ${PLACES}`),
    }))
}
