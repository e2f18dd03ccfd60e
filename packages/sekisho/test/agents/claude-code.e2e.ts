import { testAgent } from './agent-behaviour.ts'
import { claudeCode } from './clients/claude-code.ts'

testAgent(claudeCode)
