import { sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import {
  addSignature,
  mandateBytes,
  missingSignature,
  type SignedMandate,
} from '../policy/mandates/mandate-signatures.ts'
import { parseUnsigned } from '../policy/mandates-file.ts'
import { parseOperators } from '../policy/operators.ts'
import { keyDigest } from '../policy/signing-key.ts'
import { parseUsers } from '../policy/users-file.ts'
import type { Approver } from '../wire/decision.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { defaultKeyFile, type OperatorKey, readKey } from './operator-key-file.ts'
import { printable } from './terminal.ts'

const USAGE =
  'sekisho mandate check FILE [--bundle DIR] [--json] | sign FILE [--key FILE] [--id ID] [--bundle DIR]'

export const mandate: Command = {
  name: 'mandate',
  summary: 'Check who has signed standing approvals, and sign them',
  usage: USAGE,
  async run(argv, terminal) {
    const [action, ...rest] = argv
    const { values, positionals } = jsonFlag(USAGE, rest, {
      key: { type: 'string' },
      id: { type: 'string' },
      bundle: { type: 'string' },
    })
    const file = onePositional(USAGE, positionals)
    const { bundle = pathsFrom(process.env).bundle } = values
    const approvers = readApprovers(String(bundle))
    if (action === 'check') return check({ file, approvers, terminal }, values['json'] === true)
    if (action !== 'sign') {
      throw new SekishoError('USAGE', `mandate ${action ?? ''}`, { hint: `usage: ${USAGE}` })
    }
    const key = readKey(typeof values['key'] === 'string' ? values['key'] : defaultKeyFile())
    const { id } = values
    return signAll({ file, approvers, terminal }, key, typeof id === 'string' ? id : undefined)
  },
}

type Asked = { file: string; approvers: readonly Approver[]; terminal: Terminal }

function check({ file, approvers, terminal }: Asked, isJson: boolean): number {
  const mandates = parseUnsigned(readText(file), file).map((signed) => ({
    id: signed.mandate.id,
    digest: signed.mandate.digest,
    missing: missingSignature(signed, approvers) ?? null,
  }))
  if (isJson) terminal.out(JSON.stringify({ mandates }))
  else for (const one of mandates) terminal.out(`${one.id}: ${printable(one.missing ?? 'signed')}`)
  return mandates.every(({ missing }) => missing === null) ? 0 : 1
}

/** @param only id of the one to sign; all of the file where it is undefined */
function signAll(asked: Asked, key: OperatorKey, only: string | undefined): number {
  const { file, approvers, terminal } = asked
  const by = ownerOf(key, approvers)
  let text = readText(file)
  const ids = parseUnsigned(text, file).map((signed) => signed.mandate.id)
  if (only !== undefined && !ids.includes(only)) {
    throw new SekishoError('USAGE', `${file} has no mandate ${only}`, {
      hint: `it has ${ids.join(', ')}`,
    })
  }
  for (const [index, id] of ids.entries()) {
    if (only === undefined || only === id) text = signOne({ ...asked, text, index }, key, by)
  }
  writeText(file, text)
  for (const signed of parseUnsigned(text, file)) {
    terminal.out(
      `${signed.mandate.id}: ${printable(missingSignature(signed, approvers) ?? 'signed')}`,
    )
  }
  return 0
}

/** @returns the text with the signature; as it is where it has it */
function signOne(
  { text, index, file, terminal }: Asked & { text: string; index: number },
  { publicKey, secret }: OperatorKey,
  by: string,
): string {
  const signed = parseUnsigned(text, file)[index]
  const key = keyDigest(publicKey)
  if (signed === undefined || signed.signatures.some((one) => one.key === key)) return text
  for (const line of describe(signed)) terminal.out(line)
  const signature = sign(null, mandateBytes(signed.mandate), secret).toString('base64')
  return addSignature(text, index, { by, key, signature })
}

function ownerOf({ publicKey }: OperatorKey, approvers: readonly Approver[]): string {
  const owner = approvers.find(({ key }) => Buffer.from(key, 'base64').equals(publicKey))
  if (owner !== undefined) return owner.name
  throw new SekishoError('PERMISSION_REQUIRED', 'this key is neither an operator’s nor a user’s', {
    hint: 'its line belongs into operators.yaml or users.yaml of the bundle',
  })
}

/** What is signed, in full. */
function describe({ mandate: read }: SignedMandate): string[] {
  return Object.entries(read).map(([name, value]) =>
    printable(`${name.padEnd(15)} ${JSON.stringify(value)}`),
  )
}

function readApprovers(bundle: string): readonly Approver[] {
  const operators = readOptional(join(bundle, 'operators.yaml'), parseOperators)
  const users = readOptional(join(bundle, 'users.yaml'), parseUsers)
  const own = { uid: null, enabled: true, as: 'operator' } as const
  return [
    ...operators.map(({ name, key }) => ({ ...own, name, key: key.toString('base64') })),
    ...users.flatMap(({ name, uid, enabled, key }) =>
      key === null
        ? []
        : [{ name, uid, enabled, key: key.toString('base64'), as: 'user' as const }],
    ),
  ]
}

function readOptional<T>(
  path: string,
  parse: (source: string, path: string) => readonly T[],
): readonly T[] {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, { cause: error })
  }
  return parse(source, path)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SekishoError('USAGE', `${file} cannot be read`, { hint: `usage: ${USAGE}`, cause })
  }
}

/** Not by way of a second file: the bundle is watched, and a stray file refuses it. */
function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flush: true })
  } catch (cause) {
    throw new SekishoError('USAGE', `${file} cannot be written`, { cause })
  }
}
