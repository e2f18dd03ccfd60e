import { CANARY_HOST, CANARY_PATH } from '../agent-file.ts'
import type { Turn } from '../turn.ts'
import type { Human } from './operator.ts'

export const SCENARIO_IDS = ['allowed', 'denied', 'approved', 'refused', 'exhausted'] as const
export type ScenarioId = (typeof SCENARIO_IDS)[number]

/** One thing that may become of a call that a model proposes. */
export type Scenario = {
  title: string
  turns: readonly Turn[]
  /** how long a human takes over a call that is held, and what he says then */
  human?: Human
  /** of the session's calls of a model */
  maxCalls?: number
  /** whether the tool runs; undefined where it may have done so before */
  runs: boolean | undefined
}

/** What a tool that runs leaves behind: in the workspace, and in bytes at a host outside. */
export const MARKER = 'marker.txt'
export const DONE = 'All is done.'
/** A rule of `tools` denies this program. It exists nowhere: the line goes on without it. */
const FORBIDDEN = 'forbidden-tool'
/** A rule of `tools` says that its consequence is high: somebody must approve it. */
const WEIGHTY = 'weighty-tool'

const MARK = `printf ran > ${MARKER}; curl -sS --max-time 2 https://${CANARY_HOST}${CANARY_PATH}`
const HOLD_MS = 60_000

const turns = (program: string): readonly Turn[] => [
  { kind: 'shell', command: `${program} --now; ${MARK}` },
  { kind: 'text', text: DONE },
]

export const SCENARIOS: Readonly<Record<ScenarioId, Scenario>> = {
  allowed: { title: 'allowed', turns: turns('true'), runs: true },
  denied: { title: 'denied', turns: turns(FORBIDDEN), runs: false },
  approved: {
    title: 'held 60 s, approved',
    turns: turns(WEIGHTY),
    human: { afterMs: HOLD_MS, answer: 'approve' },
    runs: true,
  },
  refused: {
    title: 'held, denied',
    turns: turns(WEIGHTY),
    human: { afterMs: 5_000, answer: 'deny' },
    runs: false,
  },
  exhausted: { title: 'out of budget', turns: turns('true'), maxCalls: 1, runs: undefined },
}

/** `tools` of an agent file that the programs above are known by. */
export const TOOL_RULES = {
  rules: [
    { id: 'forbidden', effect: 'deny', programs: [FORBIDDEN] },
    { id: 'weighty', effect: 'allow', programs: [WEIGHTY], consequence: 'high' },
    { id: 'rest', effect: 'allow' },
  ],
}
