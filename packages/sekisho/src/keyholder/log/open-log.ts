import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type NoteSigner, type OpenEntry, parseVkey } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import { type LogFiles, lockDirectory, nodeFiles, syncDirectory } from './files.ts'
import type { LeafSigner } from './leaf-text.ts'
import { recoverLog } from './recover.ts'
import { LogWriter } from './writer.ts'

export type Log = {
  /** resolves with the leaf's index once it is durable and signed; see {@link LogWriter.append} */
  append(leaf: object, signer?: LeafSigner): Promise<number>
  /** durable leaves */
  readonly size: number
  /** whether a leaf may close it; false once one that does is queued or on the disk */
  isOpen(entry: OpenEntry): boolean
  /** sessions with a durable start and neither end nor gap */
  readonly openSessions: readonly string[]
  /** the last durable checkpoint, a signed note; null on an empty log */
  readonly checkpoint: string | null
  readonly vkey: string
  /** writes what is queued and lets the directory go */
  close(): Promise<void>
}

/**
 * Opens the log in a directory for writing, alone, and makes it whole: what an interrupted flush
 * left is written again, and each intent that lost its outcome gets a gap leaf. Sessions stay open:
 * their supervisor may be alive and resume them.
 *
 * @throws SekishoError DAEMON_RUNNING, LOG_BROKEN (it is not continued), LOG_UNWRITABLE
 */
export async function openLog(options: {
  dir: string
  signer: NoteSigner
  now: () => Date
  files?: LogFiles
  /** monotonic, ms */
  elapsedMs?: () => number
}): Promise<Log> {
  const { dir, signer, now, files = nodeFiles, elapsedMs = () => performance.now() } = options
  makeDirectory(dir)
  const lock = lockDirectory(dir)
  try {
    const recovered = await recoverLog(dir, parseVkey(signer.vkey))
    const writer = new LogWriter({ dir, signer, now, files, elapsedMs }, recovered)
    await writer.settle()
    return {
      append: (leaf, leafSigner) => writer.append(leaf, leafSigner),
      isOpen: (entry) => writer.isOpen(entry),
      get size() {
        return writer.size
      },
      get openSessions() {
        return writer.openSessions
      },
      get checkpoint() {
        return writer.checkpoint
      },
      vkey: signer.vkey,
      close: async () => {
        writer.close()
        lock.release()
      },
    }
  } catch (thrown) {
    lock.release()
    throw thrown
  }
}

function makeDirectory(dir: string): void {
  try {
    const made = mkdirSync(dir, { recursive: true, mode: 0o750 })
    if (made !== undefined) syncDirectory(dirname(dir))
  } catch (cause) {
    throw new SekishoError('LOG_UNWRITABLE', `cannot make ${dir}`, {
      hint: 'make the state directory writable for the keyholder',
      cause,
    })
  }
}
