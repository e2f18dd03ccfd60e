import type { HttpRequestAction } from '../../core/action.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { ActionOutcome, CheckpointPorts, Exchange, Intent, Performed } from '../ports.ts'
import { deciding } from './deciding.ts'

export const action: HttpRequestAction = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'api.example.com',
  port: 443,
  path: '/',
  query: null,
}
export const noWrites: Deny = deny('no-writes', 'rule no-writes')
export const done: Performed = {
  kind: 'performed',
  status: 200,
  address: '192.0.2.1',
  bytesOut: 1,
  bytesIn: 2,
  scrubbed: 0,
}

export type Fakes = {
  ports: CheckpointPorts
  exchange: Exchange
  log: string[]
  intents: Intent[]
  outcomes: [string, ActionOutcome][]
}

/** Ports and an exchange that note what they are asked, in order. */
export function fakes(over: Partial<CheckpointPorts> = {}, perform?: Exchange['perform']): Fakes {
  const log: string[] = []
  const intents: Intent[] = []
  const outcomes: [string, ActionOutcome][] = []
  const did = <T>(step: string, value: T): T => {
    log.push(step)
    return value
  }
  let ids = 0
  const ports: CheckpointPorts = {
    ...deciding(() => did('decide', { kind: 'allow', rules: ['r'] })),
    recorder: {
      intent: (intent) => {
        intents.push(did('intent', intent))
        return Promise.resolve(new Map([['key', 'value']]))
      },
      outcome: (id, outcome) => {
        outcomes.push(did('outcome', [id, outcome]))
        return Promise.resolve()
      },
    },
    resolver: {
      pin: (_host, port) =>
        Promise.resolve(did('pin', { kind: 'pinned', address: '192.0.2.1', port, caPem: null })),
    },
    newId: () => `i${++ids}`,
    outcomeLost: (error) => {
      throw error
    },
    ...over,
  }
  const exchange: Exchange = {
    inspect: () => did('inspect', { kind: 'clear', credentials: ['key'] }),
    outgoing: () => ({ fields: [], body: null }),
    perform: perform ?? (() => Promise.resolve(did('perform', done))),
  }
  return { ports, exchange, log, intents, outcomes }
}
