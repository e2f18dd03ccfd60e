import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { Secret } from '../core/secret.ts'

const MAX_SECRET_BYTES = 1024
const NAME = 'root key'

/**
 * Reads what opens the root key, now. It goes to the root's process alone, over its channel: in no
 * argument, no environment of a child, no file of ours.
 *
 * @param reference of {@link RootSecretReference}
 * @throws SekishoError SECRET_MISSING; PERMISSION_REQUIRED for a file that others can read
 */
export function readRootSecret(reference: string, environment: NodeJS.ProcessEnv): Secret {
  const [kind = '', ...rest] = reference.split(':')
  const name = rest.join(':')
  const text = kind === 'env' ? environment[name] : readFile(pathOf(kind, name, environment))
  const value = text?.replace(/\r?\n$/, '') ?? ''
  if (value === '' || Buffer.byteLength(value) > MAX_SECRET_BYTES) {
    throw new SekishoError(
      'SECRET_MISSING',
      `${reference}, which opens the root key, is not set, empty or too long`,
      { hint: `put 1 to ${MAX_SECRET_BYTES} bytes there; identity.root in platform.yaml names it` },
    )
  }
  return new Secret(NAME, value)
}

/** systemd.exec(5), LoadCredential=: a directory that only the service's own processes see. */
function pathOf(kind: string, name: string, environment: NodeJS.ProcessEnv): string {
  if (kind === 'file') return name
  const directory = environment['CREDENTIALS_DIRECTORY'] ?? ''
  if (directory !== '') return join(directory, name)
  throw new SekishoError('SECRET_MISSING', `the credential ${name} is of no systemd service`, {
    hint: `add LoadCredentialEncrypted=${name} to the service’s unit, and start it by systemd`,
  })
}

function readFile(path: string): string {
  let fd: number | undefined
  try {
    // O_NONBLOCK: a FIFO in the place of the file must not hang the supervisor
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { mode } = fstatSync(fd)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error('it is not a regular file')
    refuseIfOpen(path, mode)
    const buffer = Buffer.alloc(MAX_SECRET_BYTES + 2)
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0))
    return bytes.toString('utf8')
  } catch (cause) {
    if (cause instanceof SekishoError) throw cause
    throw new SekishoError('SECRET_MISSING', `${path}, which opens the root key, cannot be read`, {
      hint: `put the value into ${path}, a regular file of mode 0600`,
      cause,
    })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** @throws SekishoError PERMISSION_REQUIRED */
export function refuseIfOpen(path: string, mode: number): void {
  if ((mode & 0o077) === 0) return
  throw new SekishoError('PERMISSION_REQUIRED', `${path} is open to others`, {
    hint: `others may have read it: make a new secret, or run \`chmod 600 ${path}\` if they cannot`,
  })
}
