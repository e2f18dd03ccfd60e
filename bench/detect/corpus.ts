/** Real text of this machine, put together when it is needed; nothing of it is kept. */
import { globSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'

export type Text = { file: string; bytes: Buffer }

const TEXT_ENDINGS: ReadonlySet<string> = new Set(
  [
    '.js .mjs .cjs .ts .mts .cts .jsx .tsx .py .pl .pm .sh .h .hpp .c .cc .css .html .xml .svg',
    '.flow .inc .def .md .txt .rst .json .map .yaml .yml .toml .lock .log',
  ]
    .join(' ')
    .split(' ')
    .concat(''), // changelogs, licences
)
/** One bundle must not outweigh everything else. */
const MAX_FILE_BYTES = 4_000_000
const PROBED_BYTES = 4_096

/**
 * The text files below some directories, in turns from each, until there are enough bytes or no
 * more files.
 *
 * @throws RangeError when there is less text than a tenth of what was asked for
 */
export function readTexts(directories: readonly string[], wantedBytes: number): Text[] {
  const queues = directories.map((directory) => textFiles(directory))
  const texts: Text[] = []
  let bytes = 0
  while (bytes < wantedBytes && queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) {
      const text = bytes < wantedBytes ? nextText(queue) : undefined
      if (text === undefined) continue
      texts.push(text)
      bytes += text.bytes.length
    }
  }
  if (bytes < wantedBytes / 10) throw new RangeError(`only ${bytes} bytes of text on this machine`)
  return texts
}

export function sizeOf(texts: readonly Text[]): number {
  return texts.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

/** Sorted, so that the same machine gives the same text; the last comes first. */
function textFiles(directory: string): string[] {
  return globSync('**/*', { cwd: directory, withFileTypes: true })
    .filter((entry) => entry.isFile() && TEXT_ENDINGS.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .reverse()
}

function nextText(queue: string[]): Text | undefined {
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const size = statSync(file).size
    if (size === 0 || size > MAX_FILE_BYTES) continue
    const bytes = readFileSync(file)
    if (!bytes.subarray(0, PROBED_BYTES).includes(0)) return { file, bytes }
  }
  return undefined
}
