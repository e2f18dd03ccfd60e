import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, createReadStream, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import { Digest } from '../../wire/sandbox.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const TAR = 'application/vnd.oci.image.layer.v1.tar'
const TAR_GZIP = `${TAR}+gzip`
const MAX_JSON_BYTES = 4 * 1024 * 1024
const MAX_LAYERS = 127
/** of all layers together, unpacked: about the largest images there are */
const MAX_UNPACKED_BYTES = 32 * 1024 ** 3

const Descriptor = z.looseObject({
  mediaType: z.string().max(256),
  digest: Digest,
  size: z.int().min(0),
})
type Descriptor = z.infer<typeof Descriptor>

/** image-spec, image-layout.md: what skopeo writes has one image and one manifest */
const Index = z.looseObject({ manifests: z.array(Descriptor).length(1) })
const Manifest = z.looseObject({
  schemaVersion: z.literal(2),
  config: Descriptor.extend({ mediaType: z.literal(CONFIG) }),
  layers: z.array(Descriptor).min(1).max(MAX_LAYERS),
})
const Config = z.looseObject({
  architecture: z.string().max(64),
  os: z.string().max(64),
  config: z.looseObject({ Env: z.array(z.string()).nullish() }).nullish(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(Digest) }),
})

export type VerifiedImage = {
  /** of the manifest: the image's name */
  digest: string
  architecture: string
  os: string
  /** as the image's author wrote them */
  env: readonly string[]
  layers: number
}

/**
 * Reads every byte of an OCI image layout that was written by somebody else, and believes none:
 * the manifest is what its digest says, config and layers are what the manifest says, and each
 * layer unpacks to what the config says, within bounds.
 *
 * @throws SekishoError ROOTFS_INVALID naming what is not as it should be
 * @see OCI image-spec v1.1, manifest.md, config.md, descriptor.md
 */
export async function verifyLayout(directory: string): Promise<VerifiedImage> {
  const index = parse(Index, readJson(join(directory, 'index.json'), 'index.json'), 'index.json')
  const [descriptor] = index.manifests
  if (descriptor === undefined || descriptor.mediaType !== MANIFEST) {
    throw invalid(`the image is a ${descriptor?.mediaType ?? 'nothing'}, not an OCI manifest`)
  }
  const manifest = parse(Manifest, readBlob(directory, descriptor), 'the manifest')
  const config = parse(Config, readBlob(directory, manifest.config), 'the configuration')
  const { diff_ids: diffIds } = config.rootfs
  if (diffIds.length !== manifest.layers.length) {
    throw invalid(`${manifest.layers.length} layers, and ${diffIds.length} in the configuration`)
  }
  let left = MAX_UNPACKED_BYTES
  for (const [i, layer] of manifest.layers.entries()) {
    left -= await verifyLayer(directory, { ...layer, diffId: diffIds[i] ?? '' }, left)
  }
  return {
    digest: descriptor.digest,
    architecture: config.architecture,
    os: config.os,
    env: config.config?.Env ?? [],
    layers: manifest.layers.length,
  }
}

type Layer = Descriptor & { diffId: string }

/** @returns bytes when unpacked */
async function verifyLayer(directory: string, layer: Layer, maxBytes: number): Promise<number> {
  if (layer.mediaType !== TAR && layer.mediaType !== TAR_GZIP) {
    throw new SekishoError('ROOTFS_INVALID', `a layer is ${layer.mediaType}`, {
      hint: 'copy the image with `skopeo copy --dest-compress-format gzip --format oci` first',
    })
  }
  const packed = createHash('sha256')
  const unpacked = createHash('sha256')
  const count = new Counted(unpacked, maxBytes)
  const fd = openBlob(directory, layer)
  const source: Readable = createReadStream('', { fd, highWaterMark: 1024 * 1024 })
  const tap = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      packed.update(chunk)
      done(null, chunk)
    },
  })
  try {
    if (layer.mediaType === TAR) await pipeline(source, tap, count)
    else await pipeline(source, tap, createGunzip({ chunkSize: 1024 * 1024 }), count)
  } catch (cause) {
    if (cause instanceof SekishoError) throw cause
    throw new SekishoError('ROOTFS_INVALID', `layer ${layer.digest} cannot be unpacked`, { cause })
  }
  refuseOther(`layer ${layer.digest}`, layer.digest, packed)
  refuseOther(`layer ${layer.digest}, unpacked,`, layer.diffId, unpacked)
  return count.bytes
}

class Counted extends Writable {
  bytes = 0
  readonly #hash: Hash
  readonly #maxBytes: number

  constructor(hash: Hash, maxBytes: number) {
    super({ highWaterMark: 1024 * 1024 })
    this.#hash = hash
    this.#maxBytes = maxBytes
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.bytes += chunk.length
    if (this.bytes > this.#maxBytes) return done(invalid('the image is too large when unpacked'))
    this.#hash.update(chunk)
    done()
  }
}

/** @throws SekishoError ROOTFS_INVALID unless its bytes have its digest */
function readBlob(directory: string, descriptor: Descriptor): unknown {
  if (descriptor.size > MAX_JSON_BYTES) throw invalid(`${descriptor.digest} is too large`)
  const fd = openBlob(directory, descriptor)
  try {
    const bytes = readFileSync(fd)
    refuseOther(descriptor.digest, descriptor.digest, createHash('sha256').update(bytes))
    return fromJson(bytes, descriptor.digest)
  } finally {
    closeSync(fd)
  }
}

/** The caller closes it. @throws SekishoError ROOTFS_INVALID unless it has the descriptor's size */
function openBlob(directory: string, { digest, size }: Descriptor): number {
  const fd = openPlain(join(directory, 'blobs/sha256', digest.slice('sha256:'.length)), digest)
  const status = fstatSync(fd)
  if (status.isFile() && status.size === size) return fd
  closeSync(fd)
  throw invalid(`${digest} is ${status.size} bytes, and should be ${size}`)
}

function readJson(path: string, name: string): unknown {
  const fd = openPlain(path, name)
  try {
    const status = fstatSync(fd)
    if (!status.isFile() || status.size > MAX_JSON_BYTES) throw invalid(`${name} is no plain file`)
    return fromJson(readFileSync(fd), name)
  } finally {
    closeSync(fd)
  }
}

function openPlain(path: string, name: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw new SekishoError('ROOTFS_INVALID', `${name} is not in the image`, { cause })
  }
}

function fromJson(bytes: Buffer, name: string): unknown {
  try {
    return parseJson(bytes.toString())
  } catch (cause) {
    throw new SekishoError('ROOTFS_INVALID', `${name} is no JSON`, { cause })
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalid(`${name} is not that of an image: ${z.prettifyError(parsed.error).slice(0, 500)}`)
}

function refuseOther(name: string, want: string, hash: Hash): void {
  const got = `sha256:${hash.digest('hex')}`
  if (got !== want) throw invalid(`${name} has the digest ${got}, and should have ${want}`)
}

function invalid(problem: string): SekishoError {
  return new SekishoError('ROOTFS_INVALID', problem, {
    hint: 'get the image again; nothing was imported',
  })
}
