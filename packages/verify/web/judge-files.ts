import type { SignatureChecker, SignatureTask } from '../src/audit/signature-queue.ts'
import { UnusableInput } from '../src/audit/unusable.ts'
import { auditBundle } from '../src/bundle/audit-bundle.ts'
import type { BundleBytes } from '../src/bundle/read-bundle.ts'
import { describeReport } from '../src/command/describe-report.ts'

/** What a page is given of a file. */
export type PageFile = {
  readonly size: number
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> }
}

export type Verdict = {
  kind: 'sound' | 'findings' | 'broken' | 'unusable'
  /** the first is the verdict in words */
  lines: string[]
  /** as the JSON of the command has them */
  sessions: readonly object[]
}

const PIECE_BYTES = 1024 * 1024
/** A root, or a checkpoint. */
const MAX_TEXT_BYTES = 65_536
const MAX_BUNDLE_BYTES = 1024 * 1024 * 1024

type Sorted = {
  bundle: PageFile | undefined
  root: string | undefined
  checkpoint: string | undefined
}

/** Audits the bundle among the files, by the root among them. Never rejects for what is in them. */
export async function judgeFiles(
  files: readonly PageFile[],
  checker: SignatureChecker,
): Promise<Verdict> {
  try {
    const { bundle, root, checkpoint } = await sortFiles(files)
    if (bundle === undefined)
      throw new UnusableInput('drop a bundle: `sekisho log export` makes one')
    if (root === undefined) throw new UnusableInput('drop root.pem too: nothing else is trusted')
    const previousCheckpoint = checkpoint === undefined ? undefined : `${checkpoint.trimEnd()}\n`
    const report = await auditBundle(bytesOf(bundle), { root, previousCheckpoint, checker })
    const sessions = report.kind === 'broken' ? [] : report.sessions
    return { kind: report.kind, lines: describeReport(report), sessions }
  } catch (thrown) {
    if (!(thrown instanceof UnusableInput)) throw thrown
    return { kind: 'unusable', lines: [thrown.message], sessions: [] }
  }
}

/** By how each begins; names say nothing. */
async function sortFiles(files: readonly PageFile[]): Promise<Sorted> {
  const sorted: Sorted = { bundle: undefined, root: undefined, checkpoint: undefined }
  for (const file of files) {
    const start = await textOf(file, 64)
    if (start.startsWith('sekisho-bundle/')) sorted.bundle = file
    else if (start.includes('-----BEGIN ')) sorted.root = await textOf(file, MAX_TEXT_BYTES)
    else sorted.checkpoint = await textOf(file, MAX_TEXT_BYTES)
  }
  if (sorted.bundle !== undefined && sorted.bundle.size > MAX_BUNDLE_BYTES) {
    throw new UnusableInput('too large for a page: use sekisho-verify')
  }
  return sorted
}

async function textOf(file: PageFile, bytes: number): Promise<string> {
  return new TextDecoder().decode(await file.slice(0, Math.min(bytes, file.size)).arrayBuffer())
}

function bytesOf(file: PageFile): BundleBytes {
  return {
    size: file.size,
    async *pieces(from, to) {
      for (let at = from; at < to; at += PIECE_BYTES) {
        yield Buffer.from(await file.slice(at, Math.min(to, at + PIECE_BYTES)).arrayBuffer())
      }
    },
  }
}

/** The part of WebCrypto that checks a signature. */
export type Subtle = {
  importKey(
    format: 'raw',
    key: Uint8Array<ArrayBuffer>,
    algorithm: { name: 'ECDSA'; namedCurve: 'P-256' },
    extractable: false,
    usages: ['verify'],
  ): Promise<CryptoKeyLike>
  verify(
    algorithm: { name: 'ECDSA'; hash: 'SHA-256' },
    key: CryptoKeyLike,
    signature: Uint8Array<ArrayBuffer>,
    message: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>
}
type CryptoKeyLike = { readonly type: string }

/** By WebCrypto, some fifty times faster than what is written in TypeScript. */
export function checkByWebCrypto(subtle: Subtle): SignatureChecker {
  const keys = new Map<string, Promise<CryptoKeyLike | undefined>>()
  const keyOf = (point: Buffer): Promise<CryptoKeyLike | undefined> => {
    const name = point.toString('base64')
    const known = keys.get(name)
    if (known !== undefined) return known
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
    // no point of the curve: then nothing is signed by it
    const made = subtle
      .importKey('raw', Uint8Array.from(point), algorithm, false, ['verify'])
      .catch(() => undefined)
    keys.set(name, made)
    return made
  }
  const fits = async ({ point, signature, message }: SignatureTask): Promise<boolean> => {
    const key = await keyOf(point)
    if (key === undefined) return false
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' } as const
    return subtle.verify(algorithm, key, Uint8Array.from(signature), Uint8Array.from(message))
  }
  return { check: (tasks) => Promise.all(tasks.map(fits)) }
}
