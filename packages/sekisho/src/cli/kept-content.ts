import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import { MAX_BLOB_BYTES } from '../wire/keyholder.ts'
import { MAX_RECORDING_BYTES } from '../wire/recordings.ts'
import { connect } from './client.ts'

const TIMEOUT_MS = 30_000

/**
 * What was kept of a session, from the running platform, which puts the reading on record.
 *
 * @throws SekishoError DAEMON_UNREACHABLE, CONTENT_LOST, PROTOCOL_VIOLATION
 */
export async function readKept(asked: {
  session: string
  digest: string
  what: 'transcript' | 'reconcile' | 'recording'
}): Promise<Buffer> {
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  const maxBytes = asked.what === 'recording' ? MAX_RECORDING_BYTES : MAX_BLOB_BYTES
  try {
    const pieces: Buffer[] = []
    for (let offset = 0; ; ) {
      const { totalBytes, piece } = await peer.call(
        'content.read',
        { ...asked, offset },
        { timeoutMs: TIMEOUT_MS },
      )
      const bytes = Buffer.from(piece, 'base64')
      pieces.push(bytes)
      offset += bytes.length
      if (offset >= totalBytes) return Buffer.concat(pieces)
      if (bytes.length === 0 || totalBytes > maxBytes) throw unlike(totalBytes)
    }
  } finally {
    peer.close()
  }
}

function unlike(totalBytes: number): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', `content of ${totalBytes} bytes that does not come`)
}
