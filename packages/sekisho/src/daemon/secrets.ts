import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { Secret } from '../core/secret.ts'
import type { SecretReference } from '../wire/control.ts'
import { MAX_SECRET_BYTES as MAX_PRINTED_BYTES, MIN_SECRET_BYTES } from '../wire/secret-prints.ts'

const MAX_SECRET_BYTES = 64 * 1024

/** As the keyholder takes them. @throws SekishoError SECRET_MISSING for the first that is */
export function readSecrets(
  references: readonly SecretReference[],
  environment: NodeJS.ProcessEnv,
): { binding: SecretReference['binding']; value: string }[] {
  return references.map((reference) => ({
    binding: reference.binding,
    value: readSecret(reference, environment).reveal(),
  }))
}

/** For the start leaf: a gate does not know these when it sees them leave. */
export function unrecognisable(
  secrets: readonly { binding: { name: string }; value: string }[],
): string[] {
  return secrets.flatMap(({ binding: { name }, value }) => {
    const bytes = Buffer.byteLength(value.trim())
    if (bytes >= MIN_SECRET_BYTES && bytes <= MAX_PRINTED_BYTES) return []
    const bounds = `${MIN_SECRET_BYTES} to ${MAX_PRINTED_BYTES} bytes`
    return [
      `egress: the secret ${name} cannot be recognised when it leaves; those of ${bounds} can`,
    ]
  })
}

/** What the sandbox finds in its environment where a secret has a variable: never its value. */
export function placeholdersByVariable(
  references: readonly SecretReference[],
  placeholders: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    references.flatMap(({ variable, binding }) =>
      variable === null ? [] : [[variable, placeholders[binding.name] ?? '']],
    ),
  )
}

/**
 * Reads what a reference points at, now. Only the supervisor can (a file may be root's), and it
 * passes the value to the keyholder alone; one of an export, to the exporter alone. @throws SekishoError SECRET_MISSING
 */
export function readSecret(
  reference: Pick<SecretReference, 'from'> & { binding: { name: string } },
  environment: NodeJS.ProcessEnv,
): Secret {
  const { from, binding } = reference
  const text = from.kind === 'env' ? environment[from.variable] : readFile(from.path, binding.name)
  const value = text?.replace(/\r?\n$/, '') ?? ''
  if (value !== '') return new Secret(binding.name, value)
  const where = from.kind === 'env' ? `variable ${from.variable} of the daemon` : from.path
  throw new SekishoError('SECRET_MISSING', `secret ${binding.name}: ${where} is not set or empty`, {
    hint:
      from.kind === 'env'
        ? `set ${from.variable} in the environment of \`npm start\` and start it again`
        : `put the value into ${from.path}`,
  })
}

function readFile(path: string, name: string): string {
  let fd: number | undefined
  try {
    // O_NONBLOCK: a FIFO in the place of the file must not hang the supervisor
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { size, mode } = fstatSync(fd)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error('it is not a regular file')
    if (size > MAX_SECRET_BYTES) throw new Error(`it is longer than ${MAX_SECRET_BYTES} bytes`)
    const buffer = Buffer.alloc(MAX_SECRET_BYTES)
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
  } catch (cause) {
    throw new SekishoError('SECRET_MISSING', `secret ${name}: ${path} cannot be read`, {
      hint: `put the value into ${path}, a regular file`,
      cause,
    })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
