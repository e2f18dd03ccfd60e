import net from 'node:net'
import { SekishoError } from '../core/error.ts'
import { Peer, type Protocol } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'

/** @throws SekishoError DAEMON_UNREACHABLE, PERMISSION_REQUIRED */
export function connect<P extends Protocol>(path: string, protocol: P): Promise<Peer<P>> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(
        new Peer('the daemon', socketTransport(socket), { out: protocol, in: {}, handlers: {} }),
      )
    })
    socket.once('error', (cause) => reject(unreachable(path, cause)))
  })
}

function unreachable(path: string, cause: Error): SekishoError {
  if ('code' in cause && cause.code === 'EACCES') {
    return new SekishoError('PERMISSION_REQUIRED', `${path} is not open to this user`, {
      hint: 'run this command as root',
      cause,
    })
  }
  return new SekishoError('DAEMON_UNREACHABLE', `no daemon answers at ${path}`, {
    hint: 'run `npm start` in the clone',
    cause,
  })
}
