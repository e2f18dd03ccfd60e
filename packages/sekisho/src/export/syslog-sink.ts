import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { SinkConfigOf } from '../wire/exporter.ts'
import type { ExportRecord } from './record.ts'
import { RetryError, type Sink } from './sink.ts'
import type { SinkPlace } from './sink-place.ts'
import { frame, syslogMessage } from './syslog-message.ts'

/**
 * RFC 5424 messages over TLS (RFC 5425).
 *
 * Syslog has no acknowledgement: bytes that were written may still lie in a socket when the receiver
 * dies. So each batch has a connection of its own, which we close first: the receiver ends its side
 * once it has read to our end (RFC 5425 §4.4), and that counts as its acknowledgement. A receiver
 * that is killed ends its side as well, so after any failure the batch before is sent again too. Ids
 * tell what came twice. What a receiver keeps in memory and loses with its power is not ours to know.
 */
export function openSyslog(config: SinkConfigOf<'syslog'>, { hostname }: SinkPlace): Sink {
  const header = { facility: config.facility, hostname }
  let before: readonly ExportRecord[] = []
  let isDoubtful = false
  return {
    send: async (records, signal) => {
      const all = isDoubtful ? [...before, ...records] : records
      try {
        const frames = all.map((record) => frame(syslogMessage(record, header)))
        await sendAll(config, Buffer.concat(frames), signal)
      } catch (error) {
        isDoubtful = true
        throw error
      }
      isDoubtful = false
      before = records
      return 0
    },
    close: async () => {
      before = []
    },
  }
}

/** Resolves when the receiver has read all of it and has closed its side in order. */
function sendAll(
  { host, port, tls }: SinkConfigOf<'syslog'>,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new RetryError('it was broken off'))
    const socket = connect({
      host,
      port,
      minVersion: 'TLSv1.2', // RFC 9662 §4
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(tls.ca === null ? {} : { ca: tls.ca }),
      ...(tls.certificate === null ? {} : { cert: tls.certificate }),
      ...(tls.key === null ? {} : { key: tls.key }),
    })
    const breakOff = (): void => void socket.destroy(new RetryError('it was broken off'))
    signal.addEventListener('abort', breakOff, { once: true })
    settle(socket, { resolve, reject })
    socket.once('close', () => signal.removeEventListener('abort', breakOff))
    socket.once('secureConnect', () => socket.end(bytes))
  })
}

function settle(
  socket: TLSSocket,
  { resolve, reject }: { resolve: () => void; reject: (error: Error) => void },
): void {
  let isEnded = false
  let failure: Error | undefined
  socket.resume() // a receiver has nothing to say; what it says is thrown away
  socket.once('end', () => {
    isEnded = socket.writableFinished
  })
  socket.on('error', (error: Error) => {
    failure ??= error
  })
  socket.once('close', () => {
    if (failure === undefined && isEnded) return resolve()
    reject(failure ?? new RetryError('the receiver closed before it had read all'))
  })
}
