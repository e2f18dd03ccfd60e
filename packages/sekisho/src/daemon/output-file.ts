import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import type { CommandStreams } from './launcher.ts'
import type { Relay } from './stdio.ts'

/** Of one detached session, both streams together; an agent must not fill the log's disk. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/**
 * Of a session that nobody sits at: what it writes goes to a file, up to {@link MAX_OUTPUT_BYTES},
 * what comes after that is read and dropped, and there is nothing for it to read.
 *
 * @param path must not exist yet
 */
export function relayToFile(path: string, command: CommandStreams): Required<Relay> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  const count = { kept: 0, dropped: 0 }
  const copy = async (from: Readable): Promise<void> => {
    from.on('data', (chunk: Buffer) => {
      const kept = chunk.subarray(0, Math.max(0, MAX_OUTPUT_BYTES - count.kept))
      count.kept += kept.length
      count.dropped += chunk.length - kept.length
      if (kept.length === 0 || file.write(kept)) return
      from.pause()
      file.once('drain', () => from.resume())
    })
    // a stream that breaks has ended; a file that breaks stops nobody
    await finished(from).catch(() => undefined)
  }
  file.on('error', () => {
    count.kept = MAX_OUTPUT_BYTES
    for (const from of [command.stdout, command.stderr]) from.resume()
  })
  command.stdin.end()
  command.stdin.on('error', () => undefined) // it reads nothing: that is its affair
  const drained = Promise.all([copy(command.stdout), copy(command.stderr)]).then(
    () => new Promise<void>((resolve) => void file.end(() => resolve())),
  )
  return {
    drained,
    destroy: () => {
      for (const stream of [command.stdout, command.stderr]) stream.destroy()
    },
    get droppedBytes() {
      return count.dropped
    },
  }
}
