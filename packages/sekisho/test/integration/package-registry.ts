import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { FakeRegistry } from '../../src/gate/packages/testing/registry.ts'
import { makeTestAuthority } from '../agents/test-authority.ts'

export const NPM_HOST = 'npm.integration.test'
export const PYPI_HOST = 'pypi.integration.test'

/** A file of a Python project, as an index lists it. */
type PypiFile = { filename: string; uploaded: string; bytes: Buffer }

/** An npm registry and a Python index outside, which a session reaches by two names. */
export type Registries = {
  port: number
  caFile: string
  npm: FakeRegistry
  pypi: FakeIndex
  close: () => Promise<void>
}

export async function startRegistries(directory: string): Promise<Registries> {
  const at = join(directory, 'registries')
  await mkdir(at, { recursive: true })
  const authority = await makeTestAuthority(at)
  const { certFile, keyFile } = await authority.issue('server', [NPM_HOST, PYPI_HOST])
  const npm = new FakeRegistry()
  npm.origin = `https://${NPM_HOST}`
  const pypi = new FakeIndex()
  const server = createServer(
    { cert: await readFile(certFile), key: await readFile(keyFile) },
    (request, response) => {
      if (request.headers.host === PYPI_HOST) pypi.handle(request, response)
      else npm.handler(request, response)
    },
  )
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return {
    port: address.port,
    caFile: authority.certFile,
    npm,
    pypi,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Answers as a Python index does in JSON (PEP 691, PEP 700), files beside it. */
class FakeIndex {
  /** paths in order */
  readonly asked: string[] = []
  readonly #projects = new Map<string, PypiFile[]>()

  add(project: string, filename: string, uploaded: string): void {
    const bytes = Buffer.from(`the file ${filename}`)
    const file = { filename, uploaded, bytes }
    this.#projects.set(project, [...(this.#projects.get(project) ?? []), file])
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    this.asked.push(path)
    const [, project = ''] = /^\/simple\/([^/]+)\/$/.exec(path) ?? []
    const files = this.#projects.get(project)
    if (files !== undefined) return sendPage(response, project, files)
    const all = [...this.#projects.values()].flat()
    const file = all.find(({ filename }) => path === `/packages/${filename}`)
    if (file === undefined) return void response.writeHead(404).end()
    response.end(file.bytes)
  }
}

function sendPage(response: ServerResponse, name: string, files: readonly PypiFile[]): void {
  response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' })
  const listed = files.map(({ filename, uploaded, bytes }) => ({
    filename,
    url: `/packages/${filename}`,
    'upload-time': uploaded,
    hashes: { sha256: createHash('sha256').update(bytes).digest('hex') },
  }))
  response.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name, files: listed }))
}

/** For a package-lock.json: what npm checks a tarball by. */
export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}
