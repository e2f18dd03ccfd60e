import type { Readable } from 'node:stream'

/** What comes next of a body. */
export type BodyPiece = Buffer | 'end' | 'gone'

/** Takes the next piece as it comes; an upstream that answers early does not end the agent's side. */
export function nextPiece(source: Readable, idleMs: number | undefined): Promise<BodyPiece> {
  const ready = take(source)
  if (ready !== undefined) return Promise.resolve(ready)
  return new Promise((resolve) => {
    const settle = (result: BodyPiece): void => {
      clearTimeout(timer)
      source.off('readable', readable).off('end', end).off('close', gone).off('error', gone)
      resolve(result)
    }
    const readable = (): void => {
      const chunk = take(source)
      if (chunk !== undefined) settle(chunk)
    }
    const end = (): void => settle('end')
    const gone = (): void => settle('gone')
    const timer = idleMs === undefined ? undefined : setTimeout(gone, idleMs)
    source.on('readable', readable).on('end', end).on('close', gone).on('error', gone)
  })
}

function take(source: Readable): BodyPiece | undefined {
  if (source.readableEnded) return 'end'
  if (source.destroyed) return 'gone'
  const chunk: unknown = source.read()
  return chunk instanceof Buffer ? chunk : undefined
}
