import { stat } from 'node:fs/promises'
import { type AuditOptions, auditLog } from '../audit/audit-log.ts'
import type { Witness } from '../audit/witnesses.ts'
import { UnusableInput } from '../audit/unusable.ts'
import { auditBundle, type BundleReport } from '../bundle/audit-bundle.ts'
import { bundleFile } from '../bundle/bundle-file.ts'
import { logIn } from '../log-files.ts'
import { SignatureThreads } from './signature-threads.ts'

const THREAD = new URL('signature-thread-main.ts', import.meta.url)

/**
 * Audits a log's directory or a bundle, with as many threads as there are processors.
 *
 * @param thread the program of a thread, where it is not the one beside this file
 * @throws UnusableInput; what node:fs throws when the path cannot be read
 */
export async function auditPath(
  path: string,
  options: Omit<AuditOptions, 'checker'>,
  thread: URL = THREAD,
): Promise<BundleReport> {
  const checker = new SignatureThreads(thread)
  try {
    const stats = await stat(path)
    const isDirectory = stats.isDirectory()
    // a pipe would be waited for
    if (!isDirectory && !stats.isFile()) throw new UnusableInput('neither a directory nor a file')
    if (!isDirectory) return await auditBundle(await bundleFile(path), { ...options, checker })
    return { ...(await auditLog(logIn(path), { ...options, checker })), scope: null }
  } finally {
    await checker.close()
  }
}

/** `OPERATOR=VKEY`, as a command is given it. @throws UnusableInput */
export function parseWitness(text: string): Witness {
  const at = text.indexOf('=')
  if (at <= 0) throw new UnusableInput('a witness is given as OPERATOR=VKEY')
  return { operator: text.slice(0, at), vkey: text.slice(at + 1) }
}
