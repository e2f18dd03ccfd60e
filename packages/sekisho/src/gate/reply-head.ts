import type { Socket } from 'node:net'
import { SekishoError } from '../core/error.ts'

export type ReplyHead = {
  /** the lines without the empty one at their end, latin1 */
  lines: string[]
  /** what came behind them */
  rest: Buffer
  bytes: number
}

/**
 * The head of one reply, read by hand where what follows is no HTTP. Leaves the socket paused.
 *
 * @param from whose reply it is, for errors
 * @throws SekishoError UPSTREAM_FAILED, TIMEOUT; or the socket's own error
 */
export function readReplyHead(
  socket: Socket,
  { from, maxBytes, timeoutMs }: { from: string; maxBytes: number; timeoutMs: number },
): Promise<ReplyHead> {
  return new Promise((resolve, reject) => {
    let seen: Buffer = Buffer.alloc(0)
    const finish = (act: () => void): void => {
      clearTimeout(timer)
      socket.off('data', data).off('error', failed).off('close', closed)
      socket.pause()
      act()
    }
    const failed = (error: Error): void => finish(() => reject(error))
    const broken = (why: string): void =>
      failed(new SekishoError('UPSTREAM_FAILED', `${from} ${why}`))
    const closed = (): void => broken('hung up')
    const data = (piece: Buffer): void => {
      seen = Buffer.concat([seen, piece])
      const end = seen.indexOf('\r\n\r\n')
      if (end === -1) return seen.length > maxBytes ? broken('talks without an end') : undefined
      const lines = seen.subarray(0, end).toString('latin1').split('\r\n')
      finish(() => resolve({ lines, rest: seen.subarray(end + 4), bytes: end + 4 }))
    }
    const timer = setTimeout(
      () => failed(new SekishoError('TIMEOUT', `no answer of ${from} in ${timeoutMs} ms`)),
      timeoutMs,
    )
    socket.on('data', data).once('error', failed).once('close', closed)
  })
}
