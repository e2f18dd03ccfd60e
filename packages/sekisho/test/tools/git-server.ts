import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Answer, Arrived } from './world.ts'

const run = promisify(execFile)
const GIT_TIMEOUT_MS = 20_000
/** git's own server, a CGI program */
const BACKEND = '/usr/lib/git-core/git-http-backend'

/** Repositories below one directory, served over smart HTTP. */
export type GitServer = {
  answer: Answer
  git(repository: string, ...args: readonly string[]): Promise<string>
  /** a bare repository with one commit on `main` that anyone may push to */
  make(repository: string): Promise<void>
}

export function makeGitServer(directory: string): GitServer {
  const at = (repository: string): string => join(directory, repository)
  const git: GitServer['git'] = async (repository, ...args) => {
    const { stdout } = await run('git', ['-C', at(repository), ...args], {
      timeout: GIT_TIMEOUT_MS,
      env: { PATH: '/usr/bin:/bin', HOME: directory, GIT_CONFIG_NOSYSTEM: '1' },
    })
    return stdout.trim()
  }
  return {
    git,
    answer: async (request, response) => {
      const reply = await askBackend(directory, request)
      response.writeHead(reply.status, reply.fields)
      response.end(reply.body)
    },
    make: async (repository) => {
      const source = `${repository}.source`
      await mkdir(at(source), { recursive: true })
      await git(source, 'init', '-q', '-b', 'main')
      await git(source, 'config', 'user.name', 'Outside')
      await git(source, 'config', 'user.email', 'outside@tools.test')
      await writeFile(join(at(source), 'README.md'), '# From outside\n')
      await writeFile(join(at(source), 'noise.bin'), randomBytes(1_500_000))
      await git(source, 'add', '.')
      await git(source, 'commit', '-qm', 'first')
      await run('git', ['clone', '-q', '--bare', at(source), at(repository)])
      await git(repository, 'config', 'http.receivepack', 'true')
    },
  }
}

type Reply = { status: number; fields: Record<string, string>; body: Buffer }

/** RFC 3875, as far as git-http-backend reads it */
async function askBackend(root: string, request: Arrived): Promise<Reply> {
  const { pathname, search } = new URL(request.target, 'https://git.invalid')
  const { headers } = request
  const child = spawn(BACKEND, [], {
    timeout: GIT_TIMEOUT_MS,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: '/usr/bin:/bin',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      HOME: root,
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: String(request.body.length),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: headers['git-protocol'] ?? '',
    },
  })
  child.stdin.on('error', () => child.stdin.destroy()) // it need not read all of a refused body
  child.stdin.end(request.body)
  const closed = once(child, 'close')
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout) if (chunk instanceof Buffer) chunks.push(chunk)
  await closed
  return readReply(Buffer.concat(chunks))
}

function readReply(reply: Buffer): Reply {
  const end = reply.indexOf('\r\n\r\n')
  const lines = reply.subarray(0, end).toString('latin1').split('\r\n')
  const fields = Object.fromEntries(lines.map((line) => splitOnce(line)))
  const { status = '200', ...rest } = fields
  return { status: Number.parseInt(status, 10), fields: rest, body: reply.subarray(end + 4) }
}

function splitOnce(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
