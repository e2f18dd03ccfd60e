import type { Socket } from 'node:net'
import { type HelloRead, MAX_HELLO_BYTES, readClientHello } from './client-hello.ts'

/** A hello cut into the smallest records is six times as long. */
const MAX_PEEKED_BYTES = 2 * MAX_HELLO_BYTES

export type Peeked =
  | Exclude<HelloRead, { kind: 'more' }>
  /** the client went away or fell silent */
  | { kind: 'gone' }

/** Reads the ClientHello and puts every byte back, so that the TLS engine sees the stream whole. */
export function peekClientHello(socket: Socket, timeoutMs: number): Promise<Peeked> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0)
    const finish = (peeked: Peeked): void => {
      clearTimeout(timer)
      socket.off('readable', read).off('close', gone).off('end', gone)
      if (!socket.destroyed && seen.length > 0) socket.unshift(seen)
      resolve(peeked)
    }
    const gone = (): void => finish({ kind: 'gone' })
    const timer = setTimeout(gone, timeoutMs)
    const read = (): void => {
      for (let chunk = take(socket); chunk !== undefined; chunk = take(socket)) {
        seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      }
      if (seen.length > MAX_PEEKED_BYTES) {
        return finish({ kind: 'malformed', reason: 'the hello is too long' })
      }
      const result = readClientHello(seen)
      if (result.kind !== 'more') finish(result)
    }
    socket.on('readable', read).on('close', gone).on('end', gone)
  })
}

function take(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read()
  return chunk instanceof Buffer ? chunk : undefined
}
