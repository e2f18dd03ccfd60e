import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const OPENSSL_TIMEOUT_MS = 20_000
/** Long enough for a run, short enough that a leaked key is worth nothing. */
const VALID_DAYS = '2'
const KEYS = {
  p256: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  rsa: ['-newkey', 'rsa:2048'],
} as const

/** A certificate authority of one test run: nothing of it is committed or outlives its directory. */
export type TestAuthority = {
  certFile: string
  keyFile: string
  /** a server certificate for these names and addresses; PEM files in the authority's directory */
  issue(label: string, names: readonly string[]): Promise<IssuedCertificate>
}

export type IssuedCertificate = { certFile: string; keyFile: string }

/**
 * Makes an authority in `directory` with the `openssl` command (RFC 5280 CA extensions).
 * `rsa` is for peers that sign with nothing else; certificates for servers are always P-256.
 */
export async function makeTestAuthority(
  directory: string,
  { name = 'Sekisho test', key = 'p256' }: { name?: string; key?: keyof typeof KEYS } = {},
): Promise<TestAuthority> {
  const certFile = join(directory, 'ca.pem')
  const keyFile = join(directory, 'ca.key')
  const request = newKey(KEYS[key], keyFile, name)
  await openssl(request, `-x509 -days ${VALID_DAYS}`.split(' '), [
    '-out',
    certFile,
    '-addext',
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  ])
  return {
    certFile,
    keyFile,
    issue: async (label, names) => issue({ directory, certFile, keyFile }, label, names),
  }
}

async function issue(
  authority: { directory: string; certFile: string; keyFile: string },
  label: string,
  names: readonly string[],
): Promise<IssuedCertificate> {
  const [first] = names
  if (first === undefined) throw new RangeError('a certificate needs a name')
  const at = (suffix: string): string => join(authority.directory, `${label}.${suffix}`)
  const extensions = [
    `subjectAltName=${names.map(subjectAltName).join(',')}`,
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
  ]
  await writeFile(at('ext'), `${extensions.join('\n')}\n`)
  const { certFile, keyFile } = authority
  await openssl(newKey(KEYS.p256, at('key'), first), ['-out', at('csr')])
  await openssl(
    ['x509', '-req', '-in', at('csr'), '-days', VALID_DAYS, '-extfile', at('ext')],
    ['-CA', certFile, '-CAkey', keyFile, '-CAcreateserial', '-out', at('pem')],
  )
  return { certFile: at('pem'), keyFile: at('key') }
}

function newKey(kind: readonly string[], keyFile: string, commonName: string): string[] {
  return ['req', '-new', ...kind, '-nodes', '-keyout', keyFile, '-subj', `/CN=${commonName}`]
}

function subjectAltName(name: string): string {
  return /^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`
}

async function openssl(...args: readonly (readonly string[])[]): Promise<void> {
  await run('openssl', args.flat(), { timeout: OPENSSL_TIMEOUT_MS })
}
