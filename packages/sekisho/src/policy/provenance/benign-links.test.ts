import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import { readHead } from '../../gate/http-head.ts'
import { UrlExtractor } from './extract-urls.ts'
import { ProvenanceState } from './provenance-state.ts'

const ROOT = join(import.meta.dirname, '../../../../..')
const FILES = globSync(['docs/**/*.md', '*.md', 'node_modules/*/*.md'], { cwd: ROOT }).toSorted()

const PLAN = {
  rules: 'all',
  indexes: ['docs'],
  private: [],
  startsPrivate: false,
  templates: [],
  taskUrls: [],
} as const

/** A reader of Markdown that shares nothing with the one that is tested. */
function linksIn(markdown: string): string[] {
  const patterns = [
    /(?<!`)\[(?:[^[\]]|\[[^\]]*\]\([^)]*\))*\]\(([^()\s]+(?:\([^()]*\))?)(?: +"[^"]*")?\)/g,
    /^ {0,3}\[[^\]]+\]: *<?(\S+?)>?(?: .*)?$/gm,
    /<(https?:[^>\s]+)>/g,
    /<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"/g,
  ]
  return patterns.flatMap((pattern) => [...markdown.matchAll(pattern)].map(([, link = '']) => link))
}

/** What a client asks for that follows a link, as the gate reads it. */
function requestFor({
  protocol,
  hostname,
  host,
  port,
  pathname,
  search,
}: URL): HttpRequestAction | undefined {
  const scheme = protocol === 'http:' ? 'http' : 'https'
  const number = Number(port === '' ? { http: 80, https: 443 }[scheme] : port)
  const rawHeaders = ['Host', host]
  const head = { method: 'GET', target: pathname + search, httpVersion: '1.1', rawHeaders }
  const read = readHead(head, { scheme, host: hostname, port: number })
  return read.kind === 'read' ? read.action : undefined
}

function followable(link: string, page: string): URL[] {
  const url = URL.parse(link.replaceAll('&amp;', '&'), page)
  return url !== null && /^https?:$/.test(url.protocol) && /[a-z]$/.test(url.hostname) ? [url] : []
}

test('links of real documents pass when these are an index; with a secret in them none does', () => {
  const counted = { links: 0, denied: 0, withSecret: 0, leaked: 0 }
  for (const file of FILES) {
    const text = readFileSync(join(ROOT, file))
    const page = `https://docs.example/${file}`
    const state = new ProvenanceState({
      ...PLAN,
      indexes: [...PLAN.indexes],
      private: [],
      templates: [],
      taskUrls: [],
    })
    const extractor = new UrlExtractor(page)
    const urls = [...extractor.push(text), ...extractor.end()]
    state.apply({ type: 'links', rules: ['docs'], urls })
    for (const url of linksIn(text.toString('utf8')).flatMap((link) => followable(link, page))) {
      const isDenied = (asked: URL): boolean[] => {
        const request = requestFor(asked)
        return request === undefined ? [] : [state.decide(request, ['docs']).kind === 'deny']
      }
      if (url.href.split('#')[0] === page) continue // the page itself, which was asked for before
      const benign = isDenied(url)
      counted.links += benign.length
      counted.denied += benign.filter(Boolean).length
      const secret = createHash('sha256').update(url.href).digest('base64')
      const stolen = new URL(url)
      stolen.searchParams.append('q', secret)
      const attack = isDenied(stolen)
      counted.withSecret += attack.length
      counted.leaked += attack.filter((denied) => !denied).length
    }
  }
  expect(counted.links).toBeGreaterThan(1000)
  expect(counted.withSecret).toBeGreaterThan(1000)
  expect(counted.leaked).toBe(0)
  expect(counted.denied / counted.links).toBeLessThan(0.001)
})
