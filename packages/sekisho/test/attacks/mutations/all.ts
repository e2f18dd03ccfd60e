import { AWS_MUTATIONS } from './aws-signatures.ts'
import { CONNECTION_MUTATIONS } from './connections.ts'
import { DATA_MUTATIONS } from './data.ts'
import { IDENTITY_MUTATIONS } from './identity-conflicts.ts'
import { BEDROCK_MUTATIONS } from './model-bedrock.ts'
import { MODEL_MUTATIONS } from './model-calls.ts'
import { DATA_OF_MODELS_MUTATIONS } from './model-data.ts'
import { FILTER_MUTATIONS } from './model-filters.ts'
import { READER_MUTATIONS } from './model-readers.ts'
import { SPELLING_MUTATIONS } from './model-spellings.ts'
import type { Mutation } from './mutation.ts'
import { OPERATION_MUTATIONS } from './operations.ts'
import { POLICY_MUTATIONS } from './policies.ts'
import { PRIVATE_RANGE_MUTATIONS } from './private-ranges.ts'
import { PROGRAM_OPTION_MUTATIONS } from './program-options.ts'
import { PROTOCOL_MUTATIONS } from './protocols.ts'
import { RECOVERABILITY_MUTATIONS } from './recoverability.ts'
import { REQUEST_MUTATIONS } from './requests.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...REQUEST_MUTATIONS,
  ...CONNECTION_MUTATIONS,
  ...PRIVATE_RANGE_MUTATIONS,
  ...POLICY_MUTATIONS,
  ...PROTOCOL_MUTATIONS,
  ...DATA_MUTATIONS,
  ...OPERATION_MUTATIONS,
  ...RECOVERABILITY_MUTATIONS,
  ...IDENTITY_MUTATIONS,
  ...MODEL_MUTATIONS,
  ...BEDROCK_MUTATIONS,
  ...AWS_MUTATIONS,
  ...FILTER_MUTATIONS,
  ...DATA_OF_MODELS_MUTATIONS,
  ...READER_MUTATIONS,
  ...SPELLING_MUTATIONS,
  ...PROGRAM_OPTION_MUTATIONS,
]
