import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { SinkConfigOf } from '../wire/exporter.ts'
import type { ExportRecord } from './record.ts'
import { RetryError, type Sink } from './sink.ts'
import type { SinkPlace } from './sink-place.ts'
import { frame, syslogMessage } from './syslog-message.ts'

/** A connection costs more than its messages: many at a time, within what the pump may hold. */
const BATCH = { leaves: 2048, bytes: 4 * 1024 * 1024 }
/**
 * How long a connection is looked at before anything is sent, as a multiple of its handshake: a
 * receiver that does not want us says so only after the handshake, by hanging up (TLS 1.3; rsyslog
 * in any version), and what is written then would look as if it had been read.
 */
const TRIAL = { handshakes: 3, leastMs: 200, mostMs: 2000 }

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
    batch: BATCH,
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
    socket.once('close', () => signal.removeEventListener('abort', breakOff))
    const written = writeAfterTrial(socket, bytes)
    settle(socket, written, { resolve, reject })
  })
}

/** @returns whether all of it is written, and our side closed after it */
function writeAfterTrial(socket: TLSSocket, bytes: Buffer): () => boolean {
  const startedAtMs = performance.now()
  let isWritten = false
  socket.once('secureConnect', () => {
    const { handshakes, leastMs, mostMs } = TRIAL
    const tookMs = performance.now() - startedAtMs
    const waitMs = Math.min(mostMs, Math.max(leastMs, tookMs * handshakes))
    const write = (): void => {
      socket.end(bytes, () => {
        isWritten = true
      })
    }
    const timer = setTimeout(write, waitMs)
    socket.once('end', () => clearTimeout(timer))
    socket.once('close', () => clearTimeout(timer))
  })
  return () => isWritten
}

function settle(
  socket: TLSSocket,
  written: () => boolean,
  { resolve, reject }: { resolve: () => void; reject: (error: Error) => void },
): void {
  let isRead = false
  let failure: Error | undefined
  socket.resume() // a receiver has nothing to say; what it says is thrown away
  socket.once('end', () => {
    isRead = written()
  })
  socket.on('error', (error: Error) => {
    failure ??= error
  })
  socket.once('close', () => {
    if (failure === undefined && isRead) return resolve()
    reject(failure ?? new RetryError('the receiver closed before it had read all'))
  })
}
