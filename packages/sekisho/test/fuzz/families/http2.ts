import type { HttpRequestAction } from '../../../src/core/action.ts'
import type { Route } from '../../../src/gate/http-head.ts'
import { readHttp2Head } from '../../../src/gate/http2-head.ts'
import { AGREED, difference, type Family, type Outcome, REFUSED } from '../family.ts'
import { fieldsText, rawFields } from '../http2-grammar.ts'
import { sentOn } from '../sent-on.ts'
import { GOOD } from '../spellings.ts'
import { readUrl, segmentsOf } from '../whatwg.ts'

const ROUTE: Route = { scheme: 'https', host: GOOD, port: 443 }

/**
 * Decoded fields of an HTTP/2 request, `name: value` a line: what is accepted is what URL makes of
 * `:scheme`, `:authority` and `:path`, and as HTTP/1.1 it is that one request.
 */
export const makeHttp2Family = (read: typeof readHttp2Head): Family => ({
  name: 'h2',
  generate: fieldsText,
  check: async (input): Promise<Outcome> => {
    const raw = rawFields(input)
    const { head, fields } = read({ raw, isWhole: true }, ROUTE)
    if (head.kind === 'refused') return REFUSED
    const { action } = head
    const disagreement =
      asUrl(action, raw) ?? (await sentOn({ action, fields, body: head.hasBody ? '' : null }))
    return disagreement === undefined ? AGREED : { isAccepted: true, disagreement }
  },
})

export const http2Family: Family = makeHttp2Family(readHttp2Head)

function asUrl(action: HttpRequestAction, raw: readonly string[]): string | undefined {
  const valueOf = (name: string): string => raw[raw.indexOf(name) + 1] ?? ''
  const url = `${valueOf(':scheme')}://${valueOf(':authority')}${valueOf(':path')}`
  const { scheme, host, port, path, method } = action
  const ours = { scheme, host, port, segments: segmentsOf(path), hasUser: false, method }
  const differs = difference(ours, { ...readUrl(url), method: valueOf(':method') })
  return differs === undefined ? undefined : `URL: ${differs}`
}
