import type { HttpRequestAction } from '../../../src/core/action.ts'
import { endToEndFields } from '../../../src/gate/http-fields.ts'
import { type Route, readHead } from '../../../src/gate/http-head.ts'
import { AGREED, difference, type Family, type Outcome, REFUSED } from '../family.ts'
import { connectionBytes } from '../http-grammar.ts'
import { HttpReader, type RequestSeen } from '../http-reader.ts'
import { GOOD } from '../spellings.ts'
import { readStrictly, type StrictRequest } from '../strict-http.ts'
import { UndiciWriter } from '../undici-writer.ts'
import { readUrl, segmentsOf } from '../whatwg.ts'

const ROUTE: Route = { scheme: 'https', host: GOOD, port: 443 }
/** what `gate/http-exchange.ts` leaves to undici */
const WRITTEN_BY_UNDICI: ReadonlySet<string> = new Set(['host', 'expect', 'trailer'])

const reader = new HttpReader()
const writer = new UndiciWriter(`${ROUTE.scheme}://${ROUTE.host}`)

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
      const accepts = { seen, action: head.action, hasBody: head.hasBody }
      const disagreement = asSent(accepts, strict[index]) ?? (await asSentOn(accepts))
      if (disagreement !== undefined) return { isAccepted: true, disagreement }
    }
    return accepted === 0 ? REFUSED : AGREED
  },
})

export const httpFamily: Family = makeHttpFamily(readHead)

type Accepted = { seen: RequestSeen; action: HttpRequestAction; hasBody: boolean }

function asSent({ seen, action }: Accepted, strict: StrictRequest | undefined): string | undefined {
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

/** At the upstream: one request, with the same meaning and the same body. */
async function asSentOn({ seen, action, hasBody }: Accepted): Promise<string | undefined> {
  const path = action.query === null ? action.path : `${action.path}?${action.query}`
  const body = hasBody ? Buffer.from(seen.body, 'latin1') : null
  const headers = endToEndFields(seen.rawHeaders, WRITTEN_BY_UNDICI)
  const bytes = await writer.write({ path, method: action.method, headers, body })
  const { requests, error } = await reader.read(bytes)
  const [only] = requests
  if (requests.length !== 1 || only === undefined || error !== undefined) {
    return `sent on: ${requests.length} requests, ${error ?? 'no error'}: ${bytes.toString('latin1')}`
  }
  const differs = difference(
    { method: action.method, target: path, host: [action.host], body: seen.body, isWhole: true },
    { ...only, host: valuesOf(only.rawHeaders, 'host') },
  )
  return differs === undefined ? undefined : `sent on: ${differs}`
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
