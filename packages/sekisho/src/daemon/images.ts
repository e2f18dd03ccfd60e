import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { INIT } from '../sandbox/layout.ts'
import { ImageStore, type StoredImage } from '../sandbox/images/image-store.ts'
import { importImage, type Imported, type ImportRequest } from '../sandbox/images/import-image.ts'
import { openRootfs, type Rootfs } from '../sandbox/images/open-rootfs.ts'
import type { RootfsSource } from '../wire/sandbox.ts'
import type { Box } from './box.ts'
import { UIDS } from './identities.ts'
import { BOX, type Paths } from './paths.ts'

export type { ImageStore, StoredImage }

/** The images of this instance: root's alone, so that no user of the machine runs what is in one. */
export function imageStore({ state }: Paths): ImageStore {
  return new ImageStore(join(state, 'images'))
}

/** As {@link importImage}, into this instance's store. */
export function importIntoStore(
  store: ImageStore,
  request: Omit<ImportRequest, 'uid' | 'environment' | 'nowMs'>,
): Promise<Imported> {
  const { env: environment } = process
  return importImage(store, {
    ...request,
    uid: UIDS.importer,
    environment,
    nowMs: Date.now(),
  })
}

type RootsOptions = {
  paths: Paths
  box: Pick<Box, 'rootfs' | 'empty'>
  /** puts what else a session finds into a fresh skeleton, such as tripwires */
  plant: (skeleton: string) => void
}

/** The root file systems of sessions, whatever they are made of. */
export class Roots {
  readonly #parts: Parameters<typeof openRootfs>[1]

  /** In the box, so that the layers made here go with the supervisor. */
  constructor({ paths, box, plant }: RootsOptions) {
    const store = imageStore(paths)
    const directory = join(BOX, 'skeletons')
    mkdirSync(directory, { recursive: true, mode: 0o711 })
    this.#parts = {
      hostSkeleton: box.rootfs,
      empty: box.empty,
      skeletons: { directory, init: join(box.rootfs, INIT), plant },
      state: paths.state,
      openImage: (image) => store.open(image),
    }
  }

  /** @throws SekishoError ROOTFS_INVALID, IMAGE_UNKNOWN: nothing was mounted or started */
  open(source: RootfsSource): Promise<Rootfs> {
    return openRootfs(source, this.#parts)
  }
}
