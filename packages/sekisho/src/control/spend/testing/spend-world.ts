import { ControlLink } from '../../../gate/approvals/control-link.ts'
import { SpendClient } from '../../../gate/llm/spend-client.ts'
import { socketPair } from '../../../gate/testing/socket-pair.ts'
import { SekishoError } from '../../../core/error.ts'
import {
  type LlmBudget,
  type LlmSettings,
  type ModelPrice,
  NO_LLM_SETTINGS,
} from '../../../wire/llm.ts'
import { BudgetBreakerLeaf, type SpendEntry, SpendNote } from '../../../wire/spend.ts'
import { socketTransport } from '../../../wire/transport.ts'
import { WaitingHolds } from '../../approvals/waiting-holds.ts'
import { GatePeers } from '../../gate-peers.ts'
import { SpendLedger, type SpendLedgerOptions } from '../spend-ledger.ts'

const NOW = Date.UTC(2026, 10, 22, 12)
export const SESSION = `s-${'a'.repeat(20)}`

/** The supervisor's half: what has been noted, as a file would have it, and the log. It reads as the wire does. */
export class Supervisor {
  entries: SpendEntry[] = []
  leaves: BudgetBreakerLeaf[] = []
  writes = 0
  broken: SekishoError | undefined

  readonly peer: SpendLedgerOptions['supervisor'] = {
    // oxlint-disable-next-line typescript/no-explicit-any -- answers by method, as the wire does
    call: async (method: string, params: any): Promise<any> => {
      await Promise.resolve()
      if (method === 'spend.breaker') {
        return void this.leaves.push(BudgetBreakerLeaf.parse(params))
      }
      if (this.broken !== undefined) throw this.broken
      if (method === 'spend.read') return { entries: this.entries, isLast: true }
      this.writes += 1
      this.entries.push(...SpendNote.parse(params).entries)
      return {}
    },
  }
}

/** One micro-USD a token. */
export const PRICE: ModelPrice = {
  model: 'm',
  provider: 'openai',
  input: 1_000_000,
  cacheRead: 1_000_000,
  cacheWrite: 1_000_000,
  output: 1_000_000,
  maxOutputTokens: 1000,
  from: '2026-01-01',
}
export const budget = (over: Partial<LlmBudget> = {}): LlmBudget => ({
  id: 'daily',
  per: 'user',
  of: {},
  windowMs: null,
  calendar: 'day',
  max: { microUsd: 50_000 },
  ...over,
})

const closers: (() => void)[] = []

/** What {@link world} has opened. */
export function closeWorlds(): void {
  for (const close of closers.splice(0)) close()
}

type World = {
  supervisor: Supervisor
  ledger: SpendLedger
  client: SpendClient
  /** as if control had gone */
  cutOff: () => void
  reported: string[]
}

/** Gates of which nobody asks anything but what calls come to. */
function gatesOf(ledger: SpendLedger): GatePeers {
  const holds = new WaitingHolds({
    announce: () => undefined,
    answer: () => Promise.reject(new Error('nobody answers here')),
    policy: () => undefined,
    now: () => NOW,
  })
  const refuse = (): never => {
    throw new SekishoError('INTERNAL', 'not of this test')
  }
  return new GatePeers({
    holds,
    ledger: { 'ledger.reserve': refuse, 'ledger.release': refuse },
    spend: ledger,
  })
}

/** A gate and control, over a real socket. */
export async function world(
  budgets: readonly LlmBudget[],
  {
    supervisor = new Supervisor(),
    llm = {},
    userOf = () => ({ name: 'ann', groups: ['finance'] }),
  }: {
    supervisor?: Supervisor
    llm?: Partial<LlmSettings>
    userOf?: SpendLedgerOptions['userOf']
  } = {},
): Promise<World> {
  const reported: string[] = []
  const ledger = new SpendLedger({
    supervisor: supervisor.peer,
    budgets: () => budgets,
    userOf,
    chainOf: (session) => Promise.resolve(session),
    isRunning: (session) => session === SESSION,
    cut: (cut) => gates.cut(cut),
    now: () => new Date(NOW),
    report: (line) => void reported.push(line),
  })
  const gates = gatesOf(ledger)
  const [gateEnd, controlEnd] = await socketPair()
  gates.attach(controlEnd)
  const control = new ControlLink()
  control.attach(socketTransport(gateEnd))
  closers.push(() => {
    control.close()
    gates.close()
    gateEnd.destroy()
    controlEnd.destroy()
  })
  const client = new SpendClient({
    control,
    session: SESSION,
    agent: 'coder',
    settings: () => ({ ...NO_LLM_SETTINGS, prices: [PRICE], budgets: [...budgets], ...llm }),
    user: () => ({ name: 'ann', uid: 1000, groups: ['finance'] }),
    now: () => NOW,
  })
  return { supervisor, ledger, client, cutOff: () => gates.close(), reported }
}

let ids = 0
export type Asked = Parameters<SpendClient['reserve']>[0]
export const ask = (over: Partial<Asked> = {}): Asked => ({
  id: `a-${(ids += 1)}`,
  provider: 'openai',
  model: 'm',
  requestBytes: 1000,
  maxOutputTokens: 256,
  ...over,
})
