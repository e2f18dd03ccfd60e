import { MOUNT_FLAGS, mountOverlay } from '../../kernel/mounts.ts'
import type { RootfsSource } from '../../wire/sandbox.ts'
import { sessionEnvironment } from '../environment.ts'
import { type SkeletonPlace, planSkeleton, writeSkeleton } from './overlay-skeleton.ts'
import { checkRootDirectory } from './root-directory.ts'
import { readRootFacts } from './root-facts.ts'

/** What a session's root is made of. Everything is shared by sessions and read-only. */
export type Rootfs = {
  /**
   * layers, topmost first, as host paths. One: it is the root as it is. Several: the lower layers
   * of a read-only overlay, one for each session
   */
  root: readonly string[]
  /** layers of /usr for an overlay of each session; null where the root has it */
  usr: readonly string[] | null
  /** of the image's manifest; null for what has no digest */
  digest: string | null
  /** variables that a session begins with: the image's own, as far as the platform has none of that name */
  environment: Readonly<Record<string, string>>
}

/** An image as the store has it, checked. */
export type OpenedImage = {
  digest: string
  /** host directory */
  tree: string
  environment: Readonly<Record<string, string>>
}

export type RootfsParts = {
  /** of `buildRootfs` */
  hostSkeleton: string
  /** an empty directory: an overlay without an upper layer needs two lower ones */
  empty: string
  skeletons: SkeletonPlace
  /** the platform's state directory */
  state: string
  /** @throws SekishoError IMAGE_UNKNOWN, ROOTFS_INVALID */
  openImage: (image: { name: string; digest: string }) => Promise<OpenedImage>
}

/**
 * The one shape for all kinds of root file systems. Nothing is copied, and nothing of a directory
 * or an image is run or followed on the host.
 *
 * @throws SekishoError ROOTFS_INVALID, IMAGE_UNKNOWN: no session can start in it, and why
 */
export async function openRootfs(source: RootfsSource, parts: RootfsParts): Promise<Rootfs> {
  if (source.kind === 'host') {
    return {
      root: [parts.hostSkeleton],
      usr: ['/usr', parts.empty],
      digest: null,
      environment: {},
    }
  }
  if (source.kind === 'directory') {
    checkRootDirectory(source.path, parts)
    const name = `root file system ${source.path}`
    return layered({ tree: source.path, environment: {}, digest: null }, name, parts.skeletons)
  }
  const image = await parts.openImage(source)
  return layered(image, `image ${source.name}`, parts.skeletons)
}

function layered(
  below: { tree: string; environment: OpenedImage['environment']; digest: string | null },
  name: string,
  skeletons: SkeletonPlace,
): Rootfs {
  const facts = readRootFacts(below.tree, name)
  return {
    root: [writeSkeleton(planSkeleton(facts), skeletons), below.tree],
    usr: null,
    digest: below.digest,
    environment: { ...withoutOwn(below.environment), SHELL: facts.shell },
  }
}

/** The platform's own variables, of which an image may set the first two: they are about its files. */
const ITS_TO_SAY = ['PATH', 'LANG']
const OWN = new Set(
  Object.keys(sessionEnvironment({ session: '', terminal: '', agent: {}, placeholders: {} })),
)

/** An image's HOME or certificate bundle would lead a program past the session's own. */
function withoutOwn(environment: OpenedImage['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => ITS_TO_SAY.includes(name) || !OWN.has(name)),
  )
}

/** What a layer says about other layers is not believed. */
const LAYER_OPTIONS = ['redirect_dir=nofollow', 'metacopy=off', 'index=off', 'xino=off']

/**
 * Mounts several layers as one read-only root: a file system of the session's own, in which no
 * set-user-id bit and no device means anything. Who calls unmounts it.
 *
 * @param layers of {@link Rootfs.root} or {@link Rootfs.usr}, at least two
 * @param target an empty directory
 * @throws SekishoError with the errno
 */
export function mountLayers(layers: readonly string[], target: string): void {
  const { readOnly, noSetuid, noDevices } = MOUNT_FLAGS
  const flags = readOnly | noSetuid | noDevices
  mountOverlay({ lower: layers, target, flags, options: LAYER_OPTIONS })
}
