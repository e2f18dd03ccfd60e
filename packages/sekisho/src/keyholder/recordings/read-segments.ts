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

/** By digest: where a recording stands, or would by its head. */
export type Places = Map<string, Place[]>

/**
 * Where the recordings of one file stand. What a crash has torn is at its end, for nothing is appended
 * behind it; its head may be there, with zeros that were written ahead in the place of the rest.
 *
 * @throws Error of the file system
 */
export async function placesIn(path: string): Promise<Places> {
  const places: Places = new Map()
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
      addPlaces(places, read.digest, [{ path, offset, bytes }])
      offset += bytes
    }
  } finally {
    await file.close()
  }
  return places
}

export function addPlaces(places: Places, digest: string, more: readonly Place[]): void {
  const known = places.get(digest)
  if (known === undefined) places.set(digest, [...more])
  else known.push(...more)
}

/**
 * One recording, put together from those that it leans on.
 *
 * @throws SekishoError CONTENT_LOST where one of them is missing or not what was written
 */
export async function rebuild(key: SessionKey, places: Places, digest: string): Promise<Buffer> {
  const files = new Map<string, FileHandle>()
  try {
    const chain: Recording[] = []
    for (let next: string | undefined = digest; next !== undefined; ) {
      if (chain.length > MAX_RECORDING_DEPTH) throw lost(key.session, 'lean on too many others')
      const one: Recording = await openOne(key, next, { files, places: places.get(next) ?? [] })
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

/** Any that is sound: one that a crash has torn must not stand before another that was kept. */
async function openOne(
  key: SessionKey,
  digest: string,
  { files, places }: { files: Map<string, FileHandle>; places: readonly Place[] },
): Promise<Recording> {
  let failure: unknown = lost(key.session, 'are not kept, or not any more')
  for (const place of places) {
    try {
      return openRecording(key, digest, await readPlace(files, place))
    } catch (thrown) {
      failure = thrown
    }
  }
  throw failure
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
