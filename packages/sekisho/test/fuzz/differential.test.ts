import { expect, test } from 'vitest'
import { canonicalHost } from '../../src/core/host.ts'
import { readClientHello } from '../../src/gate/client-hello.ts'
import { type HeadRead, type RawHead, type Route, readHead } from '../../src/gate/http-head.ts'
import { readHttp2Head } from '../../src/gate/http2-head.ts'
import { readTunnel } from '../../src/gate/proxy-target.ts'
import { corpusOf } from './corpus.ts'
import { FAMILIES } from './families/all.ts'
import { makeConnectFamily } from './families/connect.ts'
import { makeHelloFamily } from './families/hello.ts'
import { makeHostFamily } from './families/host.ts'
import { makeHttpFamily } from './families/http.ts'
import { makeHttp2Family } from './families/http2.ts'
import { makeUrlFamily } from './families/url.ts'
import { minimise, runCorpus, runFamily } from './run-family.ts'

/** the same inputs every time; `npm run fuzz` goes on to others */
const SEED = 20_260_801
const RUNS = 5_000

test.for(FAMILIES)(
  'what we accept of $name, other readers read the same: the corpus',
  async (family) => {
    const corpus = corpusOf(family.name)
    const run = await runCorpus(family, corpus)
    expect(run.disagreements).toEqual([])
    expect(run.runs).toBeGreaterThan(20)
    expect(run.accepted).toBeGreaterThan(0)
  },
)

test.for(FAMILIES)(
  'what we accept of $name, other readers read the same: a short run',
  async (family) => {
    const run = await runFamily(family, { seed: SEED, until: (runs) => runs === RUNS })
    expect(run.disagreements).toEqual([])
    expect(run.accepted).toBeGreaterThan(RUNS / 100)
  },
)

/** What a fault in a reader would be, and the family that sees it. */
const FAULTY = [
  ['a name is lower-cased and nothing else', makeHostFamily((text) => text.toLowerCase())],
  [
    'a numeric name is a name',
    makeHostFamily((text) => (/^[0-9a-fx.]+$/.test(text) ? text : canonicalHost(text))),
  ],
  ['Host is not looked at', makeUrlFamily((head, route) => readHead(withHost(head, route), route))],
  [
    'a beginning of // is a path',
    makeUrlFamily((head, route) => patched(head, route, (target) => target.replace(/^\/+/, '/'))),
  ],
  [
    'dot segments stay',
    makeUrlFamily((head, route) => patched(head, route, (target) => target.replaceAll('..', 'xx'))),
  ],
  [
    'Host is not looked at',
    makeHttpFamily((head, route) => readHead(withHost(head, route), route)),
  ],
  [
    'a length that some read as octal is no body',
    makeHttpFamily((head, route) => readHead(withoutOctal(head), route)),
  ],
  [
    'any method of HTTP/2 goes on',
    makeHttp2Family(({ raw, isWhole }, route) => {
      const method = raw[raw.indexOf(':method') + 1] ?? ''
      const asGet = raw.map((part, index) => (raw[index - 1] === ':method' ? 'GET' : part))
      const { head, fields } = readHttp2Head({ raw: asGet, isWhole }, route)
      if (head.kind === 'refused') return { head, fields }
      return { head: { ...head, action: { ...head.action, method } }, fields }
    }),
  ],
  [
    'a port of CONNECT is cut off',
    makeConnectFamily((head, proxy) => {
      const read = readTunnel(head, proxy)
      return read.kind === 'read' ? { ...read, action: { ...read.action, port: 443 } } : read
    }),
  ],
  [
    'a hello is the last of its names',
    makeHelloFamily((bytes) => {
      const read = readClientHello(bytes)
      if (read.kind !== 'hello') return read
      return { kind: 'hello', hello: { ...read.hello, serverName: 'other.example' } }
    }),
  ],
] as const

test.for(FAULTY)('a reader in which %s is caught', async ([, family]) => {
  const run = await runFamily(family, { seed: SEED, until: (runs) => runs === 4_000 })
  expect(run.disagreements.length).toBeGreaterThan(0)
})

test('a disagreement is cut down to what matters', async () => {
  const family = makeHostFamily((text) => (text === '' ? undefined : text))
  expect(await minimise(family, 'aaaa.bbbb.127.1')).toHaveLength(1)
})

function withHost(head: RawHead, { host, port }: Route): RawHead {
  const others = head.rawHeaders.flatMap((name, index, all) =>
    index % 2 === 0 && name.toLowerCase() !== 'host' ? [name, all[index + 1] ?? ''] : [],
  )
  return { ...head, rawHeaders: ['Host', `${host}:${port}`, ...others] }
}

/** Decides by another target than the one that is sent on. */
function patched(head: RawHead, route: Route, change: (target: string) => string): HeadRead {
  const read = readHead({ ...head, target: change(head.target) }, route)
  if (read.kind === 'refused') return read
  const [path = ''] = head.target.split('?')
  return head.target.startsWith('/') ? { ...read, action: { ...read.action, path } } : read
}

function withoutOctal(head: RawHead): RawHead {
  return { ...head, rawHeaders: head.rawHeaders.map((part) => (/^0\d+$/.test(part) ? '0' : part)) }
}
