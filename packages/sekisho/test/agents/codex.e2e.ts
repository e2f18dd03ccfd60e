import { testAgent } from './agent-behaviour.ts'
import { codex } from './clients/codex.ts'

testAgent(codex)
