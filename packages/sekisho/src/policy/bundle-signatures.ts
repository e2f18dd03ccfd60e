import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import type { Operator } from './operators.ts'
import { configInvalid } from './problem.ts'
import { isSignedBy, keyDigest } from './signing-key.ts'
import { readYaml } from './yaml-document.ts'

/** Who agrees to a bundle: `signatures.yaml`, which is beside the bundle and no part of it. */
export const SIGNATURES_FILE = 'signatures.yaml'

/** A change that is not proven to narrow what is allowed takes two people. */
export const OPERATORS_TO_WIDEN = 2

const SIGNATURE_BYTES = 64
const MAX_SIGNATURES = 64

const BundleSignature = z.strictObject({
  /** for the reader: who counts is whose key it is */
  operator: z.string().max(64),
  /** SHA-256 of the signer's public key */
  key: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'want sha256: and 64 hex digits'),
  /** Ed25519, base64 */
  signature: z.string().refine(isSignature, `want ${SIGNATURE_BYTES} bytes as base64`),
})
export type BundleSignature = z.infer<typeof BundleSignature>

const SignaturesSchema = z.strictObject({
  version: z.literal(1),
  signatures: z.array(BundleSignature).max(MAX_SIGNATURES),
})

/**
 * @param path named in errors
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseSignatures(source: string, path: string): readonly BundleSignature[] {
  const document = readYaml(source, path)
  const parsed = SignaturesSchema.safeParse(document.value)
  if (parsed.success) return parsed.data.signatures
  const problems = parsed.error.issues.map((issue) => ({
    ...document.positionOf(issue.path, 'value'),
    message: issue.message,
    hint: 'write it with `sekisho policy sign`; see docs/guides/policy-changes.md',
  }))
  throw configInvalid(path, problems)
}

/** As `signatures.yaml` has them. */
export function writeSignatures(signatures: readonly BundleSignature[]): string {
  const lines = signatures.map(
    ({ operator, key, signature }) =>
      `  - { operator: ${operator}, key: "${key}", signature: "${signature}" }\n`,
  )
  return lines.length === 0
    ? 'version: 1\nsignatures: []\n'
    : `version: 1\nsignatures:\n${lines.join('')}`
}

/**
 * Tests say what a bundle should do, and do nothing themselves. Of what lies below them only that is
 * left out which can be nothing else: agents and Cedar policies are read wherever they lie.
 */
const WITHOUT_MEANING = /^(?:signatures\.yaml|tests\/[^/]+\.yaml)$/

/**
 * Names a bundle by every byte of its files that means something.
 *
 * @param files text by path below the bundle's directory
 */
export function bundleDigest(files: ReadonlyMap<string, string>): string {
  const named = [...files].filter(([path]) => !WITHOUT_MEANING.test(path))
  const digests = named.map(([path, text]) => [path, sha256(text)])
  return `sha256:${sha256(canonicalJson(Object.fromEntries(digests)))}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * What an operator signs. The name in front keeps a signature over this from being one over
 * anything else, and one over anything else from being one over this.
 *
 * @param digest of the bundle, `sha256:` and hex
 */
export function bundleBytes(digest: string): Uint8Array {
  return new TextEncoder().encode(`sekisho/policy/v1\0${digest}`)
}

export type Signer = { name: string; key: string }

/**
 * The operators whose signature over exactly this bundle is there. A signature of nobody in
 * `operators`, or over another bundle, counts for nothing; two of one person count once.
 *
 * @returns in the order of `operators`, by the names that these give them
 */
export function signersOf(
  digest: string,
  signatures: readonly BundleSignature[],
  operators: readonly Operator[],
): readonly Signer[] {
  const bytes = bundleBytes(digest)
  return operators.flatMap(({ name, key }) => {
    const keyName = keyDigest(key)
    const own = signatures.filter((one) => one.key === keyName)
    const isSigned = own.some(({ signature }) => isSignedBy(key, { bytes, signature }))
    return isSigned ? [{ name, key: keyName }] : []
  })
}

/** One spelling of each: what Node's reader would pass over is refused. */
function isSignature(text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === SIGNATURE_BYTES && bytes.toString('base64') === text
}
