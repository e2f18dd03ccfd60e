import { execFile } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SekishoError } from '../../core/error.ts'
import { fetchImage } from './fetch-image.ts'
import { checkImageName, IMAGE_FILE, imageEnvironment } from './image-record.ts'
import type { ImageStore } from './image-store.ts'
import { verifyLayout } from './oci-layout.ts'
import { readRootFacts } from './root-facts.ts'
import { settleTree } from './settle-tree.ts'
import { parseImageSource } from './source.ts'
import { unpackImage } from './unpack-image.ts'

const KEEP_FREE_BYTES = 512 * 1024 ** 2
const SYNC_TIMEOUT_MS = 10 * 60_000
const MAX_LEFT_OUT = 1000

export type ImportRequest = {
  name: string
  /** as `parseImageSource` takes it */
  source: string
  /** the manifest's, when the caller knows it */
  digest: string | null
  authFile: string | null
  /** for the tools: owns nothing else on this machine */
  uid: number
  environment: NodeJS.ProcessEnv
  nowMs: number
  /** makes it known before it can be used; what it throws ends the import */
  record: (image: { name: string; digest: string; source: string }) => Promise<void>
}

export type Imported = { digest: string; isNew: boolean; leftOut: readonly string[] }

/**
 * Fetches, verifies, unpacks and settles an image, and puts it into the store. On the way nothing
 * of it is run, and what fails leaves nothing.
 *
 * @throws SekishoError USAGE, DEPENDENCY_MISSING, TIMEOUT, ROOTFS_INVALID
 */
export async function importImage(store: ImageStore, request: ImportRequest): Promise<Imported> {
  const name = checkImageName(request.name)
  const source = parseImageSource(request.source)
  store.sweep()
  const work = store.makeAside()
  const aside = store.makeAside()
  try {
    const keepFree = { path: store.directory, bytes: KEEP_FREE_BYTES }
    const { uid, authFile, environment } = request
    const layout = await fetchImage({
      source,
      directory: work,
      uid,
      authFile,
      environment,
      keepFree,
    })
    const image = await verifyLayout(layout)
    refuseUnfit(image, request.digest)
    const done = { name, digest: image.digest, source: request.source }
    if (store.has(image.digest)) return await finish(store, done, request)
    const tree = await unpackImage({ layout, directory: work, uid, keepFree })
    const { removed } = await settleTree(tree)
    readRootFacts(tree, `image ${name}`) // what could never start is refused now
    renameSync(tree, join(aside, IMAGE_FILE.tree))
    // a crash after the rename must not find half of the files
    await promisify(execFile)('sync', ['-f', aside], { timeout: SYNC_TIMEOUT_MS })
    const { environment: variables, leftOut } = imageEnvironment(image.env)
    const all = [...leftOut, ...removed].slice(0, MAX_LEFT_OUT)
    const parts = { digest: image.digest, environment: variables, leftOut: all }
    return await finish(store, done, { ...request, add: () => store.add(aside, parts) })
  } finally {
    for (const path of [work, aside]) rmSync(path, { recursive: true, force: true })
  }
}

type Done = { name: string; digest: string; source: string }

/** Recorded first: no session can use what is in no record. */
async function finish(
  store: ImageStore,
  done: Done,
  { nowMs, record, add }: ImportRequest & { add?: () => Promise<boolean> },
): Promise<Imported> {
  await record(done)
  const isNew = add === undefined ? false : await add()
  store.name({ ...done, importedAt: new Date(nowMs).toISOString() })
  return { digest: done.digest, isNew, leftOut: store.find(done.digest).leftOut }
}

function refuseUnfit(
  { digest, os, architecture }: Awaited<ReturnType<typeof verifyLayout>>,
  wanted: string | null,
): void {
  if (wanted !== null && wanted !== digest) {
    throw new SekishoError('ROOTFS_INVALID', `the image is ${digest}, and ${wanted} is wanted`, {
      hint: 'nothing was imported',
    })
  }
  if (os !== 'linux' || architecture !== 'amd64') {
    throw new SekishoError('ROOTFS_INVALID', `the image is for ${os}/${architecture}`, {
      hint: 'use an image for linux/amd64',
    })
  }
}
