import type { HttpRequestAction } from '../../src/core/action.ts'
import { endToEndFields } from '../../src/gate/http-fields.ts'
import { difference } from './family.ts'
import { HttpReader } from './http-reader.ts'
import { UndiciWriter } from './undici-writer.ts'
import { GOOD } from './spellings.ts'

/** what `gate/http-exchange.ts` leaves to undici */
const WRITTEN_BY_UNDICI: ReadonlySet<string> = new Set(['host', 'expect', 'trailer'])

const reader = new HttpReader()
const writer = new UndiciWriter(`https://${GOOD}`)

type Accepted = {
  action: HttpRequestAction
  fields: readonly string[]
  /** null for none */
  body: string | null
}

/** At the upstream: one request, with the same meaning and the same body. What differs, if not. */
export async function sentOn({ action, fields, body }: Accepted): Promise<string | undefined> {
  const path = action.query === null ? action.path : `${action.path}?${action.query}`
  const headers = endToEndFields(fields, WRITTEN_BY_UNDICI)
  const sent = body === null ? null : Buffer.from(body, 'latin1')
  const bytes = await writer.write({ path, method: action.method, headers, body: sent })
  const { requests, error } = await reader.read(bytes)
  const [only] = requests
  if (requests.length !== 1 || only === undefined || error !== undefined) {
    return `sent on: ${requests.length} requests, ${error ?? 'no error'}: ${bytes.toString('latin1')}`
  }
  const hosts = only.rawHeaders.filter(
    (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'host',
  )
  const { method, host } = action
  const differs = difference(
    { method, target: path, hosts: [host], body: body ?? '', isWhole: true },
    { ...only, hosts },
  )
  return differs === undefined ? undefined : `sent on: ${differs}`
}
