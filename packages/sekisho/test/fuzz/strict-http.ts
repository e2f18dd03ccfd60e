/** One request as the grammar of RFC 9112 has it, and nothing beside it. */
export type StrictRequest = {
  method: string
  target: string
  httpVersion: string
  /** name, value, name, value … */
  fields: string[]
  body: string
}

type Cut = { text: string; at: number }

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
/**
 * §2.2 lets a server skip empty lines before a request; llhttp also takes several spaces for one.
 * Neither is sent on.
 */
const REQUEST_LINE = new RegExp(
  `[\\r\\n]*(${TOKEN}) +([\\x21-\\x7e]+) +HTTP/(\\d\\.\\d)\\r\\n`,
  'y',
)
const FIELD_LINE = new RegExp(
  `(${TOKEN}):[ \\t]*((?:[\\x21-\\x7e\\x80-\\xff](?:[\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)?)[ \\t]*\\r\\n`,
  'y',
)
/** llhttp also takes a name with `=` and nothing; no extension is sent on */
const CHUNK_VALUE = `(?:${TOKEN}|"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*")`
const CHUNK_LINE = new RegExp(`([0-9A-Fa-f]{1,12})(?:;${TOKEN}(?:=${CHUNK_VALUE}?)?)*\\r\\n`, 'y')

/**
 * A reader of requests that shares nothing with llhttp: regular expressions of the RFC's grammar.
 * Reads whole requests from the start; stops where one is cut short, malformed or ambiguous.
 */
export function readStrictly(text: string): StrictRequest[] {
  const requests: StrictRequest[] = []
  const cut = { text, at: 0 }
  for (let request = readRequest(cut); request !== undefined; request = readRequest(cut)) {
    requests.push(request)
  }
  return requests
}

function readRequest(cut: Cut): StrictRequest | undefined {
  const line = take(cut, REQUEST_LINE)
  if (line === undefined) return undefined
  const fields = readFields(cut)
  if (fields === undefined) return undefined
  const body = readBody(cut, fields)
  if (body === undefined) return undefined
  const [, method = '', target = '', httpVersion = ''] = line
  return { method, target, httpVersion, fields, body }
}

/** Up to the empty line and with it. */
function readFields(cut: Cut): string[] | undefined {
  const fields: string[] = []
  for (let line = take(cut, FIELD_LINE); line !== undefined; line = take(cut, FIELD_LINE)) {
    const [, name = '', value = ''] = line
    fields.push(name, value)
  }
  if (!cut.text.startsWith('\r\n', cut.at)) return undefined
  cut.at += 2
  return fields
}

function readBody(cut: Cut, fields: readonly string[]): string | undefined {
  const lengths = valuesOf(fields, 'content-length')
  const codings = valuesOf(fields, 'transfer-encoding')
  const [length = '0'] = lengths
  const [coding] = codings
  if (lengths.length + codings.length > 1 || !/^\d{1,15}$/.test(length)) return undefined
  if (coding !== undefined) return coding.toLowerCase() === 'chunked' ? readChunks(cut) : undefined
  return takeBytes(cut, Number(length))
}

function readChunks(cut: Cut): string | undefined {
  let body = ''
  for (;;) {
    const line = take(cut, CHUNK_LINE)
    if (line === undefined) return undefined
    const length = Number.parseInt(line[1] ?? '', 16)
    if (length === 0) return readFields(cut) === undefined ? undefined : body
    const chunk = takeBytes(cut, length)
    if (chunk === undefined || takeBytes(cut, 2) !== '\r\n') return undefined
    body += chunk
  }
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, index) => index % 2 === 1 && fields[index - 1]?.toLowerCase() === name)
}

function take(cut: Cut, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cut.at
  const match = pattern.exec(cut.text)
  if (match === null) return undefined
  cut.at = pattern.lastIndex
  return match
}

function takeBytes(cut: Cut, length: number): string | undefined {
  if (cut.at + length > cut.text.length) return undefined
  cut.at += length
  return cut.text.slice(cut.at - length, cut.at)
}
