import { sign } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import {
  type BundleSignature,
  bundleBytes,
  parseSignatures,
  SIGNATURES_FILE,
  writeSignatures,
} from '../policy/bundle-signatures.ts'
import { isSignedBy, keyDigest } from '../policy/signing-key.ts'
import type { Operator } from '../policy/operators.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { defaultKeyFile, readKey } from './operator-key-file.ts'
import { readBundle } from './policy-bundle.ts'

/**
 * Signs a bundle as it lies there. Signatures of others over the same bytes stay; those over other
 * bytes are worth nothing and go.
 */
export async function signBundle(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, { key: { type: 'string' } })
  const { directory, files, policy } = await readBundle(
    maybePositional(usage, positionals),
    terminal,
  )
  const file = typeof values['key'] === 'string' ? values['key'] : defaultKeyFile()
  const { secret, publicKey } = readKey(file)
  const operator = policy.operators.find(({ key }) => key.equals(publicKey))
  if (operator === undefined) throw unknownKey(file, policy.operators)
  const own: BundleSignature = {
    operator: operator.name,
    key: keyDigest(publicKey),
    signature: sign(null, bundleBytes(policy.digest), secret).toString('base64'),
  }
  const others = standing(files, policy).filter(({ key }) => key !== own.key)
  writeWhole(join(directory, SIGNATURES_FILE), writeSignatures([...others, own]))
  const names = [...others.map((one) => one.operator), own.operator].join(', ')
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ digest: policy.digest, signers: names.split(', ') }))
    return 0
  }
  terminal.out(`${directory}: ${policy.digest} is signed by ${names}`)
  return 0
}

/** Signatures that are already there, over this bundle and of operators whom it names. */
function standing(
  files: ReadonlyMap<string, string>,
  { digest, operators }: { digest: string; operators: readonly Operator[] },
): readonly BundleSignature[] {
  const text = files.get(SIGNATURES_FILE)
  if (text === undefined) return []
  const bytes = bundleBytes(digest)
  return parseSignatures(text, SIGNATURES_FILE).filter(({ key, signature }) =>
    operators.some(
      (operator) =>
        keyDigest(operator.key) === key && isSignedBy(operator.key, { bytes, signature }),
    ),
  )
}

function unknownKey(file: string, operators: readonly Operator[]): SekishoError {
  const names = operators.map(({ name }) => name).join(', ')
  return new SekishoError('USAGE', `${file} is the key of no operator of this bundle`, {
    hint:
      names === ''
        ? 'add your line of `sekisho operator keygen` to operators.yaml'
        : `the operators are ${names}; name your key with --key FILE`,
  })
}

/** A reader sees the old signatures or the new ones, never a part. */
function writeWhole(path: string, text: string): void {
  const fresh = `${path}.new`
  try {
    writeFileSync(fresh, text, { flush: true })
    renameSync(fresh, path)
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} cannot be written`, {
      hint: 'sign where you may write, and bring the file into place',
      cause,
    })
  }
}
