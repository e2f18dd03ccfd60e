import { CONNECTION_MUTATIONS } from './connections.ts'
import type { Mutation } from './mutation.ts'
import { REQUEST_MUTATIONS } from './requests.ts'

export const MUTATIONS: readonly Mutation[] = [...REQUEST_MUTATIONS, ...CONNECTION_MUTATIONS]
