import { posix } from 'node:path'
import { SekishoError } from '../../core/error.ts'

/** Where an image comes from, as skopeo names it. */
export type ImageSource =
  | { transport: 'oci' | 'oci-archive' | 'docker-archive'; path: string; reference: string | null }
  | { transport: 'docker'; reference: string }

const MAX_LENGTH = 1024
const LOCAL = /^(oci|oci-archive|docker-archive):(\/[^:]*)(?::(.+))?$/
/** containers/image, docker/reference: a host, a path, a tag or a digest; never user information */
const HOST = '[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?'
const PATH = '[a-z0-9]+(?:[._-]+[a-z0-9]+)*'
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const REMOTE = new RegExp(
  `^docker://(${HOST}(?:/${PATH})+(?::${TAG}|@sha256:[0-9a-f]{64})|${HOST}(?:/${PATH})+)$`,
)
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255}$/
const HINT =
  'write oci:/path[:ref], oci-archive:/path[:ref], docker-archive:/path[:ref] or docker://host/name[:tag|@sha256:…]'

/**
 * Reads a source as it is given on the command line. Names without a host are refused: which
 * registry they mean is a setting of the machine.
 *
 * @throws SekishoError USAGE
 */
export function parseImageSource(text: string): ImageSource {
  const isPlain = text.length <= MAX_LENGTH && !hasControl(text)
  const source = isPlain ? (readRemote(text) ?? readLocal(text)) : undefined
  if (source !== undefined) return source
  throw new SekishoError('USAGE', `${JSON.stringify(text)} is no source of an image`, {
    hint: HINT,
  })
}

/** As skopeo takes it. @param path where the file or layout of a local source lies */
export function skopeoName(source: ImageSource, path: string): string {
  if (source.transport === 'docker') return `docker://${source.reference}`
  const { transport, reference } = source
  return `${transport}:${path}${reference === null ? '' : `:${reference}`}`
}

function readRemote(text: string): ImageSource | undefined {
  const reference = REMOTE.exec(text)?.[1]
  const host = reference?.split('/')[0] ?? ''
  if (reference === undefined || !(/[.:]/.test(host) || host === 'localhost')) return undefined
  return { transport: 'docker', reference }
}

function readLocal(text: string): ImageSource | undefined {
  const [, transport, path = '', reference = null] = LOCAL.exec(text) ?? []
  const isWhole = path !== '/' && posix.normalize(path) === path
  if (!isLocal(transport) || !isWhole) return undefined
  if (reference !== null && !REFERENCE.test(reference)) return undefined
  return { transport, path, reference }
}

function isLocal(
  transport: string | undefined,
): transport is 'oci' | 'oci-archive' | 'docker-archive' {
  return ['oci', 'oci-archive', 'docker-archive'].includes(transport ?? '')
}

function hasControl(text: string): boolean {
  return Array.from(text).some((character) => character <= ' ' || character === '\u007f')
}
