import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ImageStore } from '../image-store.ts'
import { type Imported, importImage, type ImportRequest } from '../import-image.ts'

/** For the tools: an id that nothing on the machine has. */
export const TOOL_UID = 70_905

export type TestImages = {
  directory: string
  store: ImageStore
  /** a root file system with a static busybox; `script` runs in it as the host's root */
  root(script?: string): string
  /** an OCI layout with one layer for each directory; @returns its source for an import */
  layout(layers: readonly string[], env?: readonly string[]): string
  import(source: string, over?: Partial<ImportRequest>): Promise<Imported>
  remove(): void
}

const BUSYBOX = '/bin/busybox'

/** Images made on the spot, by umoci from a busybox. */
export function testImages(): TestImages {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-images-'))
  const store = new ImageStore(join(directory, 'images'))
  let made = 0
  const run = (file: string, ...args: string[]): void =>
    void execFileSync(file, args, { cwd: directory, stdio: 'pipe' })
  return {
    directory,
    store,
    root: (script = '') => {
      const root = join(directory, `root-${made++}`)
      for (const path of ['bin', 'etc', 'home', 'usr/bin', 'var/lib']) {
        mkdirSync(join(root, path), { recursive: true })
      }
      cpSync(BUSYBOX, join(root, 'bin/busybox'))
      const tools = ['sh', 'cat', 'ls', 'stat', 'id', 'readlink', 'env', 'true', 'test', 'grep']
      const links = `for t in ${tools.join(' ')}; do ln -s busybox bin/$t; done`
      execFileSync('sh', ['-ec', `${links}; ${script}`], { cwd: root, stdio: 'pipe' })
      return root
    },
    layout: (layers, env = []) => {
      if (!existsSync(join(directory, 'base'))) makeBase(directory)
      const name = `layout-${made++}`
      cpSync(join(directory, 'base'), join(directory, name), { recursive: true })
      for (const layer of layers) {
        const tar = `${layer}.tar`
        const without = ['--exclude', './bin/busybox'] // the base has it, and packing takes its time
        run('tar', '--numeric-owner', ...without, '-C', layer, '-cf', tar, '.')
        run('umoci', 'raw', 'add-layer', '--image', `${name}:image`, tar)
      }
      const variables = env.flatMap((variable) => ['--config.env', variable])
      if (env.length > 0) run('umoci', 'config', '--image', `${name}:image`, ...variables)
      return `oci:${join(directory, name)}:image`
    },
    import: (source, over = {}) =>
      importImage(store, {
        name: 'test',
        source,
        digest: null,
        authFile: null,
        uid: TOOL_UID,
        environment: {},
        nowMs: 0,
        record: async () => undefined,
        ...over,
      }),
    remove: () => rmSync(directory, { recursive: true }),
  }
}

/** An image with nothing but the busybox. */
function makeBase(directory: string): void {
  const script = `umoci init --layout base && umoci new --image base:image &&
    tar -C / --transform 's,.*/,bin/,' -cf busybox.tar ${BUSYBOX.slice(1)} &&
    umoci raw add-layer --image base:image busybox.tar`
  execFileSync('sh', ['-ec', script], { cwd: directory, stdio: 'pipe' })
}

/** Digest and path of the blobs that a layout's manifest names, its own first. */
export function blobsOf(source: string): { digest: string; path: string }[] {
  const directory = source.split(':')[1] ?? ''
  const blob = (digest: string): { digest: string; path: string } => ({
    digest,
    path: join(directory, 'blobs/sha256', digest.slice(7)),
  })
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'))
  const manifest = blob(index.manifests[0].digest)
  const { config, layers } = JSON.parse(readFileSync(manifest.path, 'utf8'))
  return [
    manifest,
    blob(config.digest),
    ...layers.map((layer: { digest: string }) => blob(layer.digest)),
  ]
}
