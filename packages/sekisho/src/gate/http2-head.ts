import { fieldBytes, fieldValue } from './http-fields.ts'
import { type HeadRead, type Route, readHead, refuseHead } from './http-head.ts'

/** The fields of one HEADERS frame and its continuations, decoded. */
export type RawHttp2Head = {
  /** name, value, name, value … in the order sent, pseudo-header fields among them, latin1 */
  raw: readonly string[]
  /** nothing follows on the stream */
  isWhole: boolean
}

export type Http2HeadRead = {
  head: HeadRead
  /** as an HTTP/1.1 request would have them: what is decided upon, looked at and sent on */
  fields: readonly string[]
}

const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path'])

/** RFC 9113 §8.2.2: these speak about a connection that HTTP/2 does not have. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** RFC 9110 §5.6.2, without upper case (RFC 9113 §8.2.1) */
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
/** RFC 9113 §8.2.1: nothing that would end the field where HTTP/1.1 is spoken next */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

/** As HTTP/1.1 heads may have; a few bytes of HPACK can name as many as they like. */
const MAX_BYTES = 32 * 1024

type Sorted = { pseudo: Map<string, string>; fields: string[]; cookies: string[] }
type Problem = { rule: string; message: string; status: number }

const malformed = (message: string, status = 400): Problem => ({
  rule: 'invariant.http-malformed',
  message,
  status,
})

/**
 * The one canonical action of an HTTP/2 request. What only HTTP/2 can say is judged here; the rest
 * is written as the HTTP/1.1 request that it stands for and read by that reader's rules.
 */
export function readHttp2Head(head: RawHttp2Head, route: Route): Http2HeadRead {
  const sorted: Sorted = { pseudo: new Map(), fields: [], cookies: [] }
  const problem = sizeProblem(head.raw) ?? sort(head.raw, sorted) ?? pseudoProblem(sorted, route)
  const method = sorted.pseudo.get(':method') ?? ''
  const target = sorted.pseudo.get(':path') ?? ''
  if (problem !== undefined)
    return { head: refuseHead({ method, target }, route, problem), fields: [] }
  const fields = ['host', sorted.pseudo.get(':authority') ?? '', ...sorted.fields]
  // RFC 9113 §8.2.3; a secret cut into crumbs is looked at in one piece
  if (sorted.cookies.length > 0) fields.push('cookie', sorted.cookies.join('; '))
  const framing = framingOf(fields, head.isWhole)
  if (typeof framing !== 'string') {
    return { head: refuseHead({ method, target }, route, framing), fields: [] }
  }
  const rawHeaders = framing === 'open' ? [...fields, 'transfer-encoding', 'chunked'] : fields
  return { head: readHead({ method, target, httpVersion: '1.1', rawHeaders }, route), fields }
}

function sizeProblem(raw: readonly string[]): Problem | undefined {
  return fieldBytes(raw) > MAX_BYTES ? malformed('the head is too long', 431) : undefined
}

function sort(raw: readonly string[], into: Sorted): Problem | undefined {
  for (let index = 0; index < raw.length; index += 2) {
    const [name = '', value = ''] = [raw[index], raw[index + 1]]
    const problem = name.startsWith(':')
      ? sortPseudo(name, value, into)
      : sortField(name, value, into)
    if (problem !== undefined) return problem
  }
  return undefined
}

function sortPseudo(name: string, value: string, sorted: Sorted): Problem | undefined {
  const { pseudo, fields, cookies } = sorted
  // RFC 8441: a tunnel for another protocol, offered to nobody here
  if (name === ':protocol') {
    return { rule: 'invariant.upgrade', message: `CONNECT for ${value.slice(0, 64)}`, status: 501 }
  }
  if (!PSEUDO.has(name)) return malformed(`pseudo-header field ${shown(name)}`)
  if (pseudo.has(name)) return malformed(`two ${name}`)
  if (fields.length + cookies.length > 0) return malformed(`${name} after other fields`)
  if (!VALUE.test(value)) return malformed(`a control character in ${name}`)
  pseudo.set(name, value)
  return undefined
}

function sortField(name: string, value: string, { fields, cookies }: Sorted): Problem | undefined {
  if (!NAME.test(name)) return malformed(`a field named ${shown(name)}`)
  if (!VALUE.test(value)) return malformed(`a control character in ${shown(name)}`)
  if (CONNECTION_FIELDS.has(name)) return malformed(`a ${name} field in HTTP/2`)
  if (name === 'te' && value.toLowerCase() !== 'trailers') return malformed('te besides trailers')
  if (name === 'cookie') cookies.push(value)
  else fields.push(name, value)
  return undefined
}

function pseudoProblem({ pseudo, fields }: Sorted, { scheme }: Route): Problem | undefined {
  if (pseudo.get(':method') === 'CONNECT') return malformed('method CONNECT', 405)
  for (const name of PSEUDO) if (!pseudo.has(name)) return malformed(`no ${name}`)
  if (pseudo.get(':scheme') !== scheme) {
    const message = `:scheme ${shown(pseudo.get(':scheme') ?? '')} on a connection of ${scheme}`
    return { rule: 'invariant.host-mismatch', message, status: 421 }
  }
  if (pseudo.get(':path')?.startsWith('/') !== true) return malformed(':path is not a path')
  return hostProblem(fields, pseudo.get(':authority') ?? '')
}

/** One that is there says the very same; it then goes, because `:authority` is written in its place. */
function hostProblem(fields: string[], authority: string): Problem | undefined {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if (fields[index] !== 'host') continue
    if (fields[index + 1] !== authority) {
      const message = `host ${shown(fields[index + 1] ?? '')} beside :authority ${shown(authority)}`
      return { rule: 'invariant.host-mismatch', message, status: 421 }
    }
    fields.splice(index, 2)
  }
  return undefined
}

/** `open`: a body whose end only the stream tells */
function framingOf(fields: readonly string[], isWhole: boolean): 'open' | 'told' | Problem {
  const length = fieldValue(fields, 'content-length')
  if (length === undefined) return isWhole ? 'told' : 'open'
  if (isWhole && length !== '0') return malformed(`content-length ${shown(length)} and no body`)
  return 'told'
}

function shown(text: string): string {
  return text.slice(0, 128).replace(/[^\x20-\x7e]/g, '?')
}
