import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { makeTar, type TarEntry } from '../../../detect/packages/testing/make-tar.ts'

/** A version as a test's registry has it. */
export type Release = {
  /** ISO 8601; years ago unless a test says otherwise */
  published?: string
  /** of its package.json, in the packument */
  scripts?: Record<string, string>
  /** in place of the file made of the same */
  tarball?: Buffer
}

const LONG_AGO = '2020-01-01T00:00:00.000Z'

/** A gzipped tar as `npm pack` makes it. */
export function packNpm(manifest: Record<string, unknown>, more: readonly TarEntry[] = []): Buffer {
  const content = JSON.stringify({ version: '1.0.0', ...manifest })
  return gzipSync(makeTar([{ path: 'package/package.json', content }, ...more]))
}

/** Answers as an npm registry, at the base given: `packages` by name, then by version. */
export class FakeRegistry {
  readonly packages = new Map<string, Record<string, Release>>()
  /** of tarballs and packuments, in order */
  readonly asked: string[] = []
  /** fields of each reply, by path */
  readonly fields = new Map<string, Record<string, string>>()
  origin = 'https://registry.example'

  readonly handler = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? ''
    this.asked.push(path)
    const body = this.bodyOf(path)
    if (body === undefined) return void response.writeHead(404).end('{"error":"Not found"}')
    response.writeHead(200, this.fields.get(path) ?? {})
    response.end(body)
  }

  /** undefined where nothing is */
  bodyOf(path: string): Buffer | string | undefined {
    return this.#file(path) ?? this.#packument(decodeURIComponent(path.slice(1)))
  }

  add(name: string, version: string, release: Release = {}): void {
    this.packages.set(name, { ...this.packages.get(name), [version]: release })
  }

  #file(path: string): Buffer | undefined {
    const [, name = '', file = ''] = /^\/(.+)\/-\/(.+)\.tgz$/.exec(decodeURIComponent(path)) ?? []
    const bare = name.split('/').at(-1) ?? ''
    const version = file.slice(bare.length + 1)
    const release = this.packages.get(name)?.[version]
    if (release === undefined) return undefined
    const { tarball, scripts = {} } = release
    return tarball ?? packNpm({ name, version, scripts })
  }

  #packument(name: string): string | undefined {
    const releases = this.packages.get(name)
    if (releases === undefined) return undefined
    const versions = Object.entries(releases)
    const published = versions.map(([, release]) => release.published ?? LONG_AGO)
    return JSON.stringify({
      _id: name,
      name,
      'dist-tags': { latest: versions.at(-1)?.[0] },
      versions: Object.fromEntries(
        versions.map(([version, { scripts = {} }]) => [
          version,
          {
            name,
            version,
            scripts,
            dist: { tarball: `${this.origin}/${name}/-/${name.split('/').at(-1)}-${version}.tgz` },
          },
        ]),
      ),
      time: {
        created: published.toSorted()[0],
        modified: published.toSorted().at(-1),
        ...Object.fromEntries(versions.map(([version], at) => [version, published[at]])),
      },
    })
  }
}
