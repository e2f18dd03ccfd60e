import type * as z from 'zod'
import type { readContentFor } from '../wire/content.ts'
import type { KeyholderPeer } from './child-kinds.ts'

type Asked = z.infer<(typeof readContentFor)['params']>
type Piece = z.infer<(typeof readContentFor)['result']>

/**
 * What was kept, for an operator. That it was read is durable in the log before the first piece is
 * given; where the log cannot be written nothing is read.
 */
export async function readContentOnRecord(
  { reader, what, ...piece }: Asked,
  keyholder: () => KeyholderPeer,
): Promise<Piece> {
  if (piece.offset === 0) {
    const query = `${piece.session} ${piece.digest}`
    await keyholder().call('record', { leaf: { type: 'log.read', reader, what, query } })
  }
  return keyholder().call(what === 'recording' ? 'recording.get' : 'content.get', piece)
}
