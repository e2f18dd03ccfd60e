import { open, stat } from 'node:fs/promises'
import type { BundleBytes } from './read-bundle.ts'

const PIECE_BYTES = 1024 * 1024

/** A bundle in a file; for Node alone. @throws what node:fs throws when it cannot be read */
export async function bundleFile(path: string): Promise<BundleBytes> {
  const { size } = await stat(path)
  return { size, pieces: (from, to) => piecesOf(path, from, to) }
}

async function* piecesOf(path: string, from: number, to: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    for (let at = from; at < to; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - at))
      const { bytesRead } = await file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
