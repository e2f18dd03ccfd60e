import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { makeTestAuthority } from '../agents/test-authority.ts'

export const WIKI_HOST = 'wiki.integration.test'
const TOKEN_PREFIX = 'Bearer '

/** A wiki that keeps no versions: what is deleted or overwritten there is gone. */
export type Wiki = {
  port: number
  caFile: string
  pages: Map<string, Buffer>
  /** method and path of what arrived with the token, in order */
  arrived: string[]
  /** methods that fail, and how */
  failing: Map<string, number>
  close: () => Promise<void>
}

/** @param token that every request must have */
export async function startWiki(directory: string, token: string): Promise<Wiki> {
  const at = join(directory, 'wiki')
  await mkdir(at, { recursive: true })
  const authority = await makeTestAuthority(at)
  const { certFile, keyFile } = await authority.issue('wiki', [WIKI_HOST])
  const wiki = {
    pages: new Map<string, Buffer>(),
    arrived: [] as string[],
    failing: new Map<string, number>(),
  }
  const sockets = new Set<Socket>()
  const server = createServer(
    { cert: await readFile(certFile), key: await readFile(keyFile) },
    (request, response) => void serve(request, response, { ...wiki, token }),
  )
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { ...wiki, port: address.port, caFile: authority.certFile, close }
}

type Serving = Pick<Wiki, 'pages' | 'arrived' | 'failing'> & { token: string }

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  wiki: Serving,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const chunks: Buffer[] = []
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
  if (headers.authorization !== TOKEN_PREFIX + wiki.token) return void response.writeHead(401).end()
  wiki.arrived.push(`${method} ${url}`)
  const page = wiki.pages.get(url)
  const status = wiki.failing.get(method) ?? (isMet(headers['if-match'], page) ? undefined : 412)
  if (status !== undefined) return void response.writeHead(status).end()
  if (method === 'GET') return answerGet(response, page)
  change(wiki.pages, { method, url, body: Buffer.concat(chunks) })
  response.writeHead(204).end()
}

function change(
  pages: Wiki['pages'],
  { method, url, body }: { method: string; url: string; body: Buffer },
): void {
  if (method === 'DELETE') pages.delete(url)
  if (method === 'PUT') pages.set(url, body)
}

function isMet(condition: string | undefined, page: Buffer | undefined): boolean {
  return condition === undefined || (page !== undefined && condition === etagOf(page))
}

function answerGet(response: ServerResponse, page: Buffer | undefined): void {
  if (page === undefined) response.writeHead(404).end('no such page')
  else response.writeHead(200, { 'content-type': 'text/markdown', etag: etagOf(page) }).end(page)
}

function etagOf(page: Buffer): string {
  return `"${createHash('sha256').update(page).digest('hex').slice(0, 16)}"`
}

/** The wiki as the platform is to know it: what it says is the organisation's own. */
export const WIKI_HOSTS = {
  version: 1,
  hosts: [{ host: WIKI_HOST, integrity: 'trusted', confidentiality: 'internal' }],
}

/** Writes and deletes pages, which a rule has kept before. */
export function wikiAgent(
  { port, caFile }: Pick<Wiki, 'port' | 'caFile'>,
  { name, isKept }: { name: string; isKept: boolean },
): unknown {
  return {
    version: 1,
    name,
    rules: [
      {
        id: 'pages',
        effect: 'allow',
        host: WIKI_HOST,
        methods: ['PUT', 'DELETE'],
        paths: ['/pages/**'],
        ...(isKept ? { recovery: { method: 'PUT' } } : {}),
      },
    ],
    secrets: [
      {
        name: 'wiki',
        hosts: [WIKI_HOST],
        header: 'authorization',
        from: 'env:WIKI_TOKEN',
        env: 'WIKI_TOKEN',
      },
    ],
    limits: { wallClock: '2m' },
    upstreams: [
      {
        host: WIKI_HOST,
        address: '127.0.0.1',
        dialPort: port,
        caFile,
        reason: 'the test’s own',
      },
    ],
  }
}
