import { expect, test } from 'vitest'
import type { Failed, Performed } from '../../flow/ports.ts'
import type { ReplyFacts } from '../../llm/format.ts'
import { countedOf, NO_TOKENS } from './call-report.ts'

const WHOLE: Performed = {
  kind: 'performed',
  status: 200,
  address: null,
  bytesOut: 9,
  bytesIn: 9,
  scrubbed: 0,
}
const CUT = { kind: 'cut' } as const
const failed = (code: string): Failed => ({ kind: 'failed', code, message: 'x' })
const RESERVED = { input: 500, cacheRead: 0, cacheWrite: 0, output: 1000 }
const TOLD = { input: 100, cacheRead: 40, cacheWrite: 0, output: 25 }
const facts = (usage: ReplyFacts['usage'], stop: string | null = 'end_turn'): ReplyFacts => ({
  model: null,
  usage,
  rawUsage: '',
  stop,
  bytes: new Map(),
  unsupported: [],
  serverCalls: [],
})

test.for([
  ['a whole reply is what it says', facts(TOLD), WHOLE, TOLD],
  ['a whole reply that says nothing is its reserve', facts(null), WHOLE, RESERVED],
  ['a reply that is ended says nothing of what was thought', facts(null, null), CUT, RESERVED],
  [
    'of a reply that breaks off, what has come is counted',
    facts(TOLD, null),
    failed('CLIENT_GONE'),
    { ...TOLD, output: 200 },
  ],
  ['no error costs anything', undefined, WHOLE, NO_TOKENS],
  ['nor does what never arrived', undefined, failed('ECONNREFUSED'), NO_TOKENS],
  ['a provider that is left at work has cost its reserve', undefined, CUT, RESERVED],
  ...[
    'CLIENT_GONE',
    'INTERNAL',
    'REPLY_UNREADABLE',
    'UND_ERR_BODY_TIMEOUT',
    'UND_ERR_HEADERS_TIMEOUT',
  ].map(
    (code) =>
      [`and so it has where the gate says ${code}`, undefined, failed(code), RESERVED] as const,
  ),
] as const)('%s', ([, told, done, counted]) => {
  const seen = { facts: told, isReply: told !== undefined, reserved: RESERVED, replyBytes: 400 }
  expect(countedOf(seen, done)).toEqual(counted)
})
