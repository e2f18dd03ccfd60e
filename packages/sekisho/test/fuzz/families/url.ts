import type { HttpRequestAction } from '../../../src/core/action.ts'
import { type Route, readHead } from '../../../src/gate/http-head.ts'
import { readProxyTarget } from '../../../src/gate/proxy-target.ts'
import { AGREED, difference, type Family, type Outcome, REFUSED } from '../family.ts'
import { HttpReader } from '../http-reader.ts'
import type { Random } from '../random.ts'
import { EVIL, GOOD, hostText, pathText, portText, queryText, withStray } from '../spellings.ts'
import { readUrl, segmentsOf, decodeBytes } from '../whatwg.ts'

const ROUTES: readonly Route[] = [
  { scheme: 'https', host: GOOD, port: 443 },
  { scheme: 'http', host: GOOD, port: 80 },
  { scheme: 'https', host: GOOD, port: 8443 },
]

const reader = new HttpReader()

/**
 * A line `Host\ntarget`: what a request with this Host field and request target asks for, on
 * connections to GOOD, and of a client that takes the gate for its proxy. Whatever `readHead` accepts, URL must read as the same.
 */
export const makeUrlFamily = (read: typeof readHead): Family => ({
  name: 'url',
  generate: (random) => {
    const [host, target] = random.once(2) ? absoluteForm(random) : originForm(random)
    return `${host}\n${target}`
  },
  check: async (input): Promise<Outcome> => {
    const cut = input.indexOf('\n')
    const [host, target] = [input.slice(0, cut), input.slice(cut + 1)]
    let accepted = false
    const proxied = readProxyTarget(target)
    for (const route of proxied === undefined ? ROUTES : [...ROUTES, proxied]) {
      const rawHeaders = ['Host', host]
      const seen = read({ method: 'GET', target, httpVersion: '1.1', rawHeaders }, route)
      if (seen.kind === 'refused') continue
      accepted = true
      const disagreement = await disagreementOf(seen.action, { host, target })
      if (disagreement !== undefined) return { isAccepted: true, disagreement }
    }
    return accepted ? AGREED : REFUSED
  },
})

export const urlFamily: Family = makeUrlFamily(readHead)

/** Every URL that somebody could put together of what was sent, and the request that goes out. */
async function disagreementOf(
  action: HttpRequestAction,
  { host, target }: { host: string; target: string },
): Promise<string | undefined> {
  const base = `${action.scheme}://${host}`
  const readings: [string, ReturnType<typeof readUrl>][] = target.startsWith('/')
    ? [
        ['joined', readUrl(base + target)],
        ['resolved', readUrl(target, `${base}/`)], // `new URL(request.url, base)`, as servers do
      ]
    : [
        ['absolute', readUrl(target)],
        ['host field', readUrl(`${base}${pathOf(action)}`)],
      ]
  readings.push(['sent on', await sentOn(action)])
  for (const [name, theirs] of readings) {
    const differs = difference(termsOf(action), { ...theirs })
    if (differs !== undefined) return `${name}: ${theirs === undefined ? 'refused' : differs}`
  }
  return undefined
}

/** The request line and Host as undici writes them, read by llhttp. */
async function sentOn(action: HttpRequestAction): Promise<ReturnType<typeof readUrl>> {
  const { scheme, host, port } = action
  const authority = port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`
  const bytes = Buffer.from(
    `GET ${pathOf(action)} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`,
    'latin1',
  )
  const { requests, error } = await reader.read(bytes)
  const [seen] = requests
  if (requests.length !== 1 || error !== undefined || seen === undefined) return undefined
  return readUrl(`${scheme}://${seen.rawHeaders[1] ?? ''}${seen.target}`)
}

function termsOf(action: HttpRequestAction): Record<string, unknown> {
  const { scheme, host, port, path, query } = action
  const segments = segmentsOf(path)
  return { scheme, host, port, segments, query: decodeBytes(query ?? ''), hasUser: false }
}

function pathOf({ path, query }: HttpRequestAction): string {
  return query === null ? path : `${path}?${query}`
}

export function absoluteForm(random: Random): [string, string] {
  const scheme = random.pick(['http', 'https', 'https', 'HTTPS', 'hTTp', 'ftp', 'ws', 'https\t'])
  const slashes = random.once(10) ? random.pick(['', '/', '\\\\', '/\\', '///', '//\t/']) : '//'
  const user = random.once(6)
    ? random.pick([`${GOOD}@`, '@', 'a:b@', `${GOOD}:443@`, `${EVIL}\\@`, `${GOOD}%2f@`, ' @'])
    : ''
  const host = random.once(4) ? hostText(random) : random.pick([GOOD, GOOD, EVIL])
  const authority = `${user}${host}${portText(random)}`
  const rest = random.once(8)
    ? random.pick(['', '?x', '#x', '\\x', `@${EVIL}/`, `#@${EVIL}/`, `\\@${EVIL}/`, `;@${EVIL}`])
    : pathText(random) + queryText(random)
  const url = `${scheme}:${slashes}${authority}${rest}`
  return [
    random.once(3) ? authority : GOOD + portText(random),
    random.once(6) ? withStray(random, url) : url,
  ]
}

export function originForm(random: Random): [string, string] {
  const host = random.once(3) ? hostText(random) + portText(random) : GOOD
  return [host, pathText(random) + queryText(random)]
}
