import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { type JailBind, runJailed } from './jail.ts'
import { type ImageSource, skopeoName } from './source.ts'

const SKOPEO = '/usr/bin/skopeo'
const TIMEOUT_MS = 30 * 60_000
/** The machine's settings for registries, their certificates and its resolver. */
const SETTINGS = [
  '/etc/containers',
  '/etc/docker/certs.d',
  '/etc/ssl',
  '/etc/pki',
  '/etc/ca-certificates',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/nsswitch.conf',
  '/etc/passwd',
]
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
const POLICY = '/etc/containers/policy.json'

export type FetchRequest = {
  source: ImageSource
  /** an empty directory of root's alone, for the jail and the layout */
  directory: string
  /** for skopeo: owns nothing else */
  uid: number
  /** for private registries: a file as `skopeo login` writes it; none is looked for */
  authFile: string | null
  environment: NodeJS.ProcessEnv
  keepFree: { path: string; bytes: number }
}

/**
 * Copies one image for this machine's architecture into an OCI layout, with skopeo in a jail. What
 * is in the layout is not verified yet.
 *
 * @returns the layout's directory
 * @throws SekishoError DEPENDENCY_MISSING, TIMEOUT, ROOTFS_INVALID with what skopeo said
 */
export async function fetchImage(request: FetchRequest): Promise<string> {
  const { source, directory, uid, authFile, environment } = request
  const out = join(directory, 'fetched')
  for (const path of [out, join(out, 'tmp')]) {
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, uid, uid)
  }
  const isRemote = source.transport === 'docker'
  const local = isRemote ? [] : [bind(present(source.path), 'source')]
  const settings = isRemote ? SETTINGS.filter((path) => existsSync(path)) : []
  const auth = authFile === null ? [] : [bind(present(authFile), 'auth.json')]
  const ca = isRemote ? ownCa(environment) : undefined
  await runJailed({
    directory: join(directory, 'jail'),
    uid,
    command: commandLine(source, isRemote && existsSync(POLICY), authFile !== null),
    binds: [
      ...local,
      ...settings.map((path) => bind(path, path)),
      ...auth,
      ...(ca === undefined ? [] : [bind(present(ca), 'ca.pem')]),
      { source: out, name: 'out', isWritable: true },
    ],
    environment: {
      HOME: '/out/tmp',
      TMPDIR: '/out/tmp',
      ...(ca === undefined ? {} : { SSL_CERT_FILE: '/ca.pem' }),
      ...proxies(environment),
    },
    network: isRemote ? 'host' : 'none',
    readsAll: true,
    timeoutMs: TIMEOUT_MS,
    keepFree: request.keepFree,
  })
  return join(out, 'layout')
}

function commandLine(
  source: ImageSource,
  hasPolicy: boolean,
  hasAuth: boolean,
): readonly [string, ...string[]] {
  return [
    SKOPEO,
    // whom the machine's administrator trusts to sign is for them to say, if they did
    ...(hasPolicy ? [] : ['--insecure-policy']),
    '--override-os',
    'linux',
    '--override-arch',
    'amd64',
    '--tmpdir',
    '/out/tmp',
    'copy',
    '--quiet',
    '--retry-times',
    '2',
    ...credentials(source, hasAuth),
    skopeoName(source, '/source'),
    'oci:/out/layout:image',
  ]
}

/** Without a file that was named, the registry is asked as anybody: no helper, no other file. */
function credentials(source: ImageSource, hasAuth: boolean): string[] {
  if (hasAuth) return ['--src-authfile', '/auth.json']
  return source.transport === 'docker' ? ['--src-no-creds'] : []
}

function ownCa(environment: NodeJS.ProcessEnv): string | undefined {
  return environment['SSL_CERT_FILE'] === '' ? undefined : environment['SSL_CERT_FILE']
}

function proxies(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    PROXIES.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function present(path: string): string {
  if (existsSync(path)) return path
  throw new SekishoError('USAGE', `${path} is not there`, { hint: 'give the full path' })
}

function bind(source: string, name: string): JailBind {
  return { source, name, isWritable: false }
}
