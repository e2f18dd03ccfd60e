import { inFile, mutationsOf } from './mutation.ts'

const resolver = inFile('gate/resolver.ts')

export const PRIVATE_RANGE_MUTATIONS = mutationsOf(
  'private-ranges',
  [
    'an address of a name with a range is in the range',
    resolver(
      'GRANTABLE.includes(is) && isInCidr(range, address)',
      "(isInCidr(range, address) || is !== 'public')",
    ),
  ],
  [
    'a range is for its own name',
    resolver('this.#ranges.get(host)', '[...this.#ranges.values()][1]'),
  ],
  [
    'all answers are looked at',
    resolver(
      'for (const address of addresses) {',
      'for (const address of addresses.slice(0, 1)) {',
    ),
  ],
)
