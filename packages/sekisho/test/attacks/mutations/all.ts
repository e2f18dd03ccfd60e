import { CONNECTION_MUTATIONS } from './connections.ts'
import type { Mutation } from './mutation.ts'
import { PRIVATE_RANGE_MUTATIONS } from './private-ranges.ts'
import { REQUEST_MUTATIONS } from './requests.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...REQUEST_MUTATIONS,
  ...CONNECTION_MUTATIONS,
  ...PRIVATE_RANGE_MUTATIONS,
]
