import dgram from 'node:dgram'
import net from 'node:net'
import {
  ATTEMPT_TIMEOUT_MS,
  type Attempt,
  CANARY_ANSWER,
  type Run,
  type Target,
} from './attempt.ts'

/** Sends `text` and listens: only an answer of the canary counts as having got through. */
export function sendTcp(
  to: { host: string; port: number },
  text: string | Buffer,
): Promise<Attempt> {
  return new Promise((resolve) => {
    let got = ''
    const socket = net.connect(to)
    const finish = (detail: string): void => {
      socket.destroy()
      const first = got.split('\n', 1)[0]?.slice(0, 60) ?? ''
      resolve({ succeeded: got.includes(CANARY_ANSWER), detail: first === '' ? detail : first })
    }
    socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => finish('no answer'))
    socket.on('connect', () => socket.write(text))
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
      if (got.includes(CANARY_ANSWER)) finish('answered')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    socket.on('close', () => finish('closed'))
  })
}

function sendUdp(to: { host: string; port: number }, payload: Buffer): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(net.isIPv6(to.host) ? 'udp6' : 'udp4')
    const timer = setTimeout(() => finish(false, 'no answer'), 700)
    const finish = (succeeded: boolean, detail: string): void => {
      clearTimeout(timer)
      socket.close()
      resolve({ succeeded, detail })
    }
    socket.once('message', () => finish(true, 'answered'))
    socket.once('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? 'error'))
    socket.connect(to.port, to.host, () => socket.send(payload))
  })
}

const tcp =
  (host: string, port: number): Run =>
  (id) =>
    sendTcp({ host, port }, `GET /${id} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)

const udp =
  (host: string, port: number): Run =>
  (id) =>
    sendUdp({ host, port }, Buffer.from(id))

function atHost(act: (address: string, target: Target, id: string) => Promise<Attempt>): Run {
  return async (id, target) => {
    for (const address of target.hostAddresses) {
      const attempt = await act(address, target, id)
      if (attempt.succeeded) return attempt
    }
    return { succeeded: false, detail: `${target.hostAddresses.length} addresses refused` }
  }
}

export const networkAttacks: Readonly<Record<string, Run>> = {
  'net-literal4': tcp('203.0.113.7', 443),
  'net-literal6': tcp('2001:db8::7', 443),
  'net-metadata': tcp('169.254.169.254', 80),
  'net-docker': tcp('172.17.0.1', 2375),
  'net-gateway': (id, target) => tcp('198.19.255.1', target.canaryPort)(id, target),
  'net-hosttcp': atHost((host, { canaryPort: port }, id) => sendTcp({ host, port }, `${id}\n`)),
  'net-hostudp': atHost((host, { canaryPort: port }, id) =>
    sendUdp({ host, port }, Buffer.from(id)),
  ),
  'net-ssh': tcp('api.drill.test', 22),
  'net-oddport': tcp('api.drill.test', 8443),
  'net-quic': udp('203.0.113.8', 443),
  'net-udp': udp('203.0.113.9', 9999),
  'net-udp6': udp('2001:db8::9', 9999),
}
