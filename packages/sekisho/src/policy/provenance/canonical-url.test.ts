import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHead } from '../../gate/http-head.ts'
import { urlOfRequest, urlsOfLink } from './canonical-url.ts'

/** The request of a client for a URL, as the gate reads it; undefined where the gate refuses. */
function urlAtGate(url: URL, target: string): string | undefined {
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  const port = Number(url.port === '' ? { http: 80, https: 443 }[scheme] : url.port)
  const read = readHead(
    { method: 'GET', target, httpVersion: '1.1', rawHeaders: ['Host', url.host] },
    { scheme, host: url.hostname, port },
  )
  return read.kind === 'read' ? urlOfRequest(read.action) : undefined
}

test('the URL of a link is the URL of the request that a browser makes of it', () => {
  fc.assert(
    fc.property(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.constantFrom('', '?', "?a='b'", '?a=%41%7e', '/a b', '/%7e^|', '/x/../y'),
      (base, more) => {
        const link = base.replace(/[?#].*$/, '') + more
        const url = new URL(link)
        const asked = urlAtGate(url, url.pathname + url.search)
        if (asked === undefined) return
        expect(urlsOfLink(link, null)).toContain(asked)
      },
    ),
    { numRuns: 1000 },
  )
})

test.for([
  ['https://A.example:443/%7e/a%2fb', ['https://a.example/~/a%2Fb']],
  ['http://a.example:8080', ['http://a.example:8080/']],
  ['https://bücher.example/ä?ö', ['https://xn--bcher-kva.example/%C3%A4?%C3%B6']],
  ["https://a.example/?q='x'", ['https://a.example/?q=%27x%27', "https://a.example/?q='x'"]],
  ['https://a.example/?', ['https://a.example/', 'https://a.example/?']],
  ['https://a.example/x#y?z', ['https://a.example/x']],
] as const)('%s has the texts %s', ([link, texts]) => {
  expect(urlsOfLink(link, null)).toEqual(texts)
})

test('the query is known as it is spelled, so spellings carry nothing out', () => {
  expect(urlsOfLink('https://a.example/?q=ab', null)).not.toContain('https://a.example/?q=%61b')
})
