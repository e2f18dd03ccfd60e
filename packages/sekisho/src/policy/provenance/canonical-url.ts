import type { HttpRequestAction } from '../../core/action.ts'
import { canonicalHost } from '../../core/host.ts'
import { canonicalPath, canonicalQuery } from '../../core/url-path.ts'

/** Of a URL as it is looked up: the log's bounds on path and query, and the rest. */
export const MAX_URL_LENGTH = 8192

const DEFAULT_PORT: Readonly<Record<string, number>> = { http: 80, https: 443 }

type Parts = Pick<HttpRequestAction, 'scheme' | 'host' | 'port' | 'path' | 'query'>

/** The one text of the URL that a canonical request is for, without a fragment. */
export function urlOfRequest({ scheme, host, port, path, query }: Parts): string {
  const shownPort = DEFAULT_PORT[scheme] === port ? '' : `:${port}`
  return `${scheme}://${host}${shownPort}${path}${query === null ? '' : `?${query}`}`
}

/**
 * The texts that requests for a link may have, once the gate has read them: as URL parsers of
 * browsers write it (WHATWG), and as it stands for clients that send what they are given. Empty for
 * what no request can be for: another scheme, userinfo, an address, a path that is ambiguous.
 *
 * The path has one spelling, because the gate sends its canonical form. The query is sent as it
 * came, so its spelling counts: a free choice of spellings would carry data out.
 *
 * @param base URL that a relative link is resolved against; null where there is none
 */
export function urlsOfLink(link: string, base: string | null): readonly string[] {
  const text = link.trim()
  if (text === '' || text.length > MAX_URL_LENGTH) return []
  const url = parse(text, base)
  const place = url === undefined ? undefined : placeOf(url)
  if (url === undefined || place === undefined) return []
  const queries = new Set([url.search === '' ? null : url.search.slice(1), rawQuery(text)])
  return [...queries].flatMap((query) => {
    if (query !== null && canonicalQuery(query) === undefined) return []
    return [urlOfRequest({ ...place, query })]
  })
}

function placeOf(url: URL): Omit<Parts, 'query'> | undefined {
  const { protocol, hostname, port, pathname, username, password } = url
  const scheme = protocol.slice(0, -1)
  if ((scheme !== 'http' && scheme !== 'https') || username !== '' || password !== '') {
    return undefined
  }
  const host = canonicalHost(hostname)
  const path = canonicalPath(pathname)
  if (host === undefined || path === undefined) return undefined
  return { scheme, host, port: Number(port === '' ? DEFAULT_PORT[scheme] : port), path }
}

/** As it stands between `?` and the fragment. */
function rawQuery(text: string): string | null {
  const [whole = ''] = text.split('#', 1)
  const mark = whole.indexOf('?')
  return mark === -1 ? null : whole.slice(mark + 1)
}

function parse(text: string, base: string | null): URL | undefined {
  return (base === null ? URL.parse(text) : URL.parse(text, base)) ?? undefined
}
