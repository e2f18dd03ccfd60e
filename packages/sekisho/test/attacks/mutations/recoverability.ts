import { inFile, mutationsOf } from './mutation.ts'

const authorize = inFile('flow/authorize.ts')
const exchange = inFile('gate/recovery/recoverable-exchange.ts')
const state = inFile('gate/recovery/resource-state.ts')

export const RECOVERABILITY_MUTATIONS = mutationsOf(
  'recoverability',
  [
    'what could not be kept cannot be taken back',
    exchange(
      "if (this.#captured.kind === 'none') return false",
      "if (this.#captured.kind === 'none') return true",
    ),
  ],
  [
    'no look carries out what wants a yes',
    authorize(
      "return verdict.kind === 'allow' ? keepBefore(leaving) : false",
      'return keepBefore(leaving)',
    ),
  ],
  ['only a whole answer says what is there', state('if (status !== 200)', 'if (status >= 400)')],
  [
    'a coding that was not asked for is not what is there',
    state('if (problem !== undefined) return', "if (problem === '') return"),
  ],
)
