import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeIdentity, makeTestCa, type TestIdentity } from '../../gate/testing/certificates.ts'

/** One message as rsyslogd has understood it. */
export type Received = {
  pri: string
  time: string
  host: string
  app: string
  messageId: string
  /** with its escapes, in brackets */
  structured: string
  message: string
}

const SEPARATOR = '\u241f'
const FIELDS = [
  '%pri%',
  '%timereported:::date-rfc3339%',
  '%hostname%',
  '%app-name%',
  '%msgid%',
  '%structured-data%',
  '%msg%',
]

/**
 * Debian's rsyslogd on a port of this machine, which takes TLS from clients of a test CA alone and
 * writes what it understood into a file. It writes a message before it reads on, so that what it has
 * read is what it has.
 */
export class Rsyslogd {
  readonly dir = mkdtempSync(join(tmpdir(), 'sekisho-rsyslog-'))
  readonly ca = makeTestCa()
  readonly client: TestIdentity = makeIdentity(this.ca, 'sekisho.example')
  port = 0
  #process: ChildProcess | undefined

  async start(): Promise<void> {
    if (this.port === 0) await this.#prepare()
    // one that was killed may have torn its last line; what comes now is no part of it
    const written = this.#output()
    if (written !== '' && !written.endsWith('\n')) appendFileSync(join(this.dir, 'out'), '\n')
    const files = ['-f', join(this.dir, 'rsyslog.conf'), '-i', join(this.dir, 'pid')]
    this.#process = spawn('/usr/sbin/rsyslogd', ['-n', ...files], { stdio: 'ignore' })
    await once(this.#process, 'spawn')
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    rmSync(join(this.dir, 'pid'), { force: true })
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }

  received(): Received[] {
    return this.#output()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [pri = '', time = '', host = '', app = '', messageId = '', ...rest] =
          line.split(SEPARATOR)
        const [structured = '', message = ''] = rest
        return { pri, time, host, app, messageId, structured, message }
      })
  }

  #output(): string {
    try {
      return readFileSync(join(this.dir, 'out'), 'utf8')
    } catch {
      return '' // nothing has come yet
    }
  }

  async #prepare(): Promise<void> {
    this.port = await freePort()
    const own = makeIdentity(this.ca, 'localhost')
    writeFileSync(join(this.dir, 'ca.pem'), this.ca.pem)
    writeFileSync(join(this.dir, 'cert.pem'), own.cert)
    writeFileSync(join(this.dir, 'key.pem'), own.key)
    writeFileSync(join(this.dir, 'rsyslog.conf'), this.#configuration())
  }

  #configuration(): string {
    const at = (name: string): string => join(this.dir, name)
    return `
global(
  workDirectory="${this.dir}"
  maxMessageSize="16k"
  defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="${at('ca.pem')}"
  defaultNetstreamDriverCertFile="${at('cert.pem')}"
  defaultNetstreamDriverKeyFile="${at('key.pem')}"
)
main_queue(queue.type="direct")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imtcp" port="${this.port}" address="127.0.0.1")
template(name="fields" type="string" string="${FIELDS.join(SEPARATOR)}\\n")
action(type="omfile" file="${at('out')}" template="fields" asyncWriting="off" flushOnTXEnd="on")
`
  }
}

/**
 * None of those that the kernel gives to whoever connects: one that is started again, or a moment
 * later, finds it free all the same, and rsyslogd goes on without a listener where it does not.
 */
async function freePort(): Promise<number> {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  for (;;) {
    const port = randomInt(10_000, Number.parseInt(range, 10))
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
