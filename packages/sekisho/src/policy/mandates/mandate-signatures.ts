import * as z from 'zod'
import { isCollection, parseDocument } from 'yaml'
import { SekishoError } from '../../core/error.ts'
import type { Approver, Mandate } from '../../wire/decision.ts'
import { isSignedBy, keyDigest } from '../signing-key.ts'

const SIGNATURE_BYTES = 64

/** One person's yes to a mandate, beside it in its file. */
export const MandateSignature = z.strictObject({
  /** for the reader: who counts is whose key it is */
  by: z.string().max(64),
  /** SHA-256 of the signer's public key */
  key: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'want sha256: and 64 hex digits'),
  /** Ed25519, base64 */
  signature: z.string().refine((text) => isBase64(text), `want ${SIGNATURE_BYTES} bytes as base64`),
})
export type MandateSignature = z.infer<typeof MandateSignature>

export type SignedMandate = { mandate: Mandate; signatures: readonly MandateSignature[] }

function isBase64(text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === SIGNATURE_BYTES && bytes.toString('base64') === text
}

/** What is signed. The name in front keeps a signature over this from being one over anything else. */
export function mandateBytes({ digest }: Pick<Mandate, 'digest'>): Uint8Array {
  return new TextEncoder().encode(`sekisho/mandate/v1\0${digest}`)
}

/**
 * What is missing of the signatures that a mandate needs: the user's own where it stands for an
 * initiator, an operator's where it stands for an approver, another one's for the second, and no
 * person for two.
 *
 * @returns undefined when nothing is
 */
export function missingSignature(
  { mandate, signatures }: SignedMandate,
  approvers: readonly Approver[],
): string | undefined {
  const signers = signatures.flatMap(({ key, signature }) => {
    const owners = approvers.filter((one) => keyDigest(Buffer.from(one.key, 'base64')) === key)
    const [owner] = owners
    if (owner === undefined) return []
    const publicKey = Buffer.from(owner.key, 'base64')
    const isSigned = isSignedBy(publicKey, { bytes: mandateBytes(mandate), signature })
    return isSigned ? owners.filter(({ enabled }) => enabled) : []
  })
  return missingUser(mandate, signers) ?? missingOperator(mandate, signers)
}

function missingUser({ kinds, user }: Mandate, signers: readonly Approver[]): string | undefined {
  if (!kinds.includes('initiator')) return undefined
  if (user === null) return 'it stands for the initiator and names no `user`'
  const isSigned = signers.some(({ as, name }) => as === 'user' && name === user)
  return isSigned ? undefined : `it stands for the initiator, and ${user} has not signed it`
}

function missingOperator(
  { kinds, user }: Mandate,
  signers: readonly Approver[],
): string | undefined {
  const wanted = kinds.filter((kind) => kind !== 'initiator').length
  const own = kinds.includes('initiator')
    ? signers.filter(({ as, name }) => as === 'user' && name === user).map(({ key }) => key)
    : []
  const operators = signers.filter(({ as, key }) => as === 'operator' && !own.includes(key))
  const count = new Set(operators.map(({ key }) => key)).size
  if (count >= wanted) return undefined
  return `it takes the signatures of ${wanted === 1 ? 'an operator' : `${wanted} operators`}, and has ${count}`
}

/**
 * The file's text with one more line, and every other byte as it was.
 *
 * @param index of the mandate in the file
 * @throws SekishoError USAGE for a mandate in `{}` or with signatures in `[]`
 */
export function addSignature(source: string, index: number, added: MandateSignature): string {
  const { by, key, signature } = added
  const line = `- { by: ${by}, key: "${key}", signature: "${signature}" }`
  const document = parseDocument(source, { version: '1.2', schema: 'core' })
  const mandate: unknown = document.getIn(['mandates', index], true)
  const signatures: unknown = document.getIn(['mandates', index, 'signatures'], true)
  if (signatures === undefined) {
    const indent = indentOf(source, mandate)
    return insertAfter(source, mandate, `${indent}signatures:\n${indent}  ${line}`)
  }
  // a list in a block stands behind its dash
  return insertAfter(source, signatures, `${indentOf(source, signatures)}${line}`)
}

function indentOf(source: string, node: unknown): string {
  const start = rangeOf(node)[0]
  return ' '.repeat(start - (source.lastIndexOf('\n', start - 1) + 1))
}

function insertAfter(source: string, node: unknown, line: string): string {
  const end = source.slice(0, rangeOf(node)[1]).trimEnd().length
  return `${source.slice(0, end)}\n${line}${source.slice(end)}`
}

function rangeOf(node: unknown): readonly number[] & { 0: number; 1: number } {
  if (isCollection(node) && node.flow !== true && node.range) return node.range
  throw new SekishoError('USAGE', 'this mandate is not written over several lines', {
    hint: 'write its keys below one another, and its signatures as a list of lines',
  })
}
