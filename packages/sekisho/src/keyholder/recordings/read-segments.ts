import { type FileHandle, open } from 'node:fs/promises'
import { MAX_RECORDING_DEPTH } from '../../wire/recordings.ts'
import {
  HEAD_BYTES,
  lost,
  openRecording,
  readHead,
  type Recording,
  type SessionKey,
} from './sealed-recording.ts'

type Place = { path: string; offset: number; bytes: number }

/**
 * Where the recordings of one file stand, by digest. What a crash has torn is at its end, for nothing
 * is appended behind it, and is not told.
 *
 * @throws Error of the file system
 */
export async function placesIn(path: string): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(HEAD_BYTES)
    for (let offset = 0; offset + HEAD_BYTES <= size; ) {
      await file.read(head, 0, HEAD_BYTES, offset)
      const read = readHead(head)
      if (read === undefined) break
      const bytes = HEAD_BYTES + read.bodyBytes
      if (offset + bytes > size) break
      places.set(read.digest, { path, offset, bytes })
      offset += bytes
    }
  } finally {
    await file.close()
  }
  return places
}

/**
 * One recording, put together from those that it leans on.
 *
 * @throws SekishoError CONTENT_LOST where one of them is missing or not what was written
 */
export async function rebuild(
  key: SessionKey,
  places: ReadonlyMap<string, Place>,
  digest: string,
): Promise<Buffer> {
  const files = new Map<string, FileHandle>()
  try {
    const chain: Recording[] = []
    for (let next: string | undefined = digest; next !== undefined; ) {
      if (chain.length > MAX_RECORDING_DEPTH) throw lost(key.session, 'lean on too many others')
      const place = places.get(next)
      if (place === undefined) throw lost(key.session, 'are not kept, or not any more')
      const one: Recording = openRecording(key, next, await readPlace(files, place))
      chain.push(one)
      next = one.base?.digest
    }
    return chain.reduceRight(
      (base: Buffer, recording) => spliced(key, base, recording),
      Buffer.alloc(0),
    )
  } finally {
    for (const file of files.values()) await file.close()
  }
}

async function readPlace(
  files: Map<string, FileHandle>,
  { path, offset, bytes }: Place,
): Promise<Buffer> {
  const file = files.get(path) ?? (await open(path))
  files.set(path, file)
  const sealed = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(sealed, 0, bytes, offset)
  return sealed.subarray(0, bytesRead)
}

function spliced(key: SessionKey, before: Buffer, { base, bytes, middle }: Recording): Buffer {
  const { prefixBytes, suffixBytes } = base ?? { prefixBytes: 0, suffixBytes: 0 }
  const fits = prefixBytes + suffixBytes <= before.length
  if (!fits || prefixBytes + middle.length + suffixBytes !== bytes) {
    throw lost(key.session, 'do not fit what they lean on')
  }
  const suffix = before.subarray(before.length - suffixBytes)
  return Buffer.concat([before.subarray(0, prefixBytes), middle, suffix], bytes)
}
