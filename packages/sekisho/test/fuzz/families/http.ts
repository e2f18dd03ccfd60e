import type { HttpRequestAction } from '../../../src/core/action.ts'
import { type Route, readHead } from '../../../src/gate/http-head.ts'
import { AGREED, difference, type Family, type Outcome, REFUSED } from '../family.ts'
import { connectionBytes } from '../http-grammar.ts'
import { HttpReader, type RequestSeen } from '../http-reader.ts'
import { GOOD } from '../spellings.ts'
import { readStrictly, type StrictRequest } from '../strict-http.ts'
import { sentOn } from '../sent-on.ts'
import { readUrl, segmentsOf } from '../whatwg.ts'

const ROUTE: Route = { scheme: 'https', host: GOOD, port: 443 }
const reader = new HttpReader()

/**
 * The bytes of one connection. Every request that the gate accepts must be what a strict reader
 * and URL find in the same bytes, and arrive as that and as one request at the upstream.
 */
export const makeHttpFamily = (read: typeof readHead): Family => ({
  name: 'http',
  generate: connectionBytes,
  check: async (input): Promise<Outcome> => {
    const { requests } = await reader.read(Buffer.from(input, 'latin1'))
    const strict = readStrictly(input)
    let accepted = 0
    for (const [index, seen] of requests.entries()) {
      const head = read(seen, ROUTE)
      if (head.kind === 'refused') break // it ends the connection: what follows is dropped
      if (!seen.isWhole) break // nothing that is not whole is complete at the upstream either
      accepted += 1
      if (!head.hasBody && seen.body !== '') {
        return { isAccepted: true, disagreement: 'a body that is not sent on' }
      }
      const disagreement =
        asSent(seen, head.action, strict[index]) ??
        (await sentOn({
          action: head.action,
          fields: seen.rawHeaders,
          body: head.hasBody ? seen.body : null,
        }))
      if (disagreement !== undefined) return { isAccepted: true, disagreement }
    }
    return accepted === 0 ? REFUSED : AGREED
  },
})

export const httpFamily: Family = makeHttpFamily(readHead)

function asSent(
  seen: RequestSeen,
  action: HttpRequestAction,
  strict: StrictRequest | undefined,
): string | undefined {
  if (strict === undefined) return 'strict: nothing there'
  const { method, target, fields, body } = strict
  const differs = difference(
    { method: action.method, target: seen.target, fields: seen.rawHeaders, body: seen.body },
    { method, target, fields, body },
  )
  if (differs !== undefined) return `strict: ${differs}`
  const url = target.startsWith('/') ? `https://${hostOf(fields)}${target}` : target
  const theirs = readUrl(url)
  const asUrl = difference(termsOf(action), { ...theirs })
  return asUrl === undefined ? undefined : `URL: ${asUrl}`
}

function termsOf({ scheme, host, port, path }: HttpRequestAction): Record<string, unknown> {
  return { scheme, host, port, segments: segmentsOf(path), hasUser: false }
}

function hostOf(fields: readonly string[]): string {
  return valuesOf(fields, 'host').join()
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, index) => index % 2 === 1 && fields[index - 1]?.toLowerCase() === name)
}
