import { OpenDirectory } from './open-tree.ts'
import { unifiedDiff } from './unified-diff.ts'
import type { Change, Layers, Side } from './workspace-diff.ts'

/** Texts above this are not compared line by line. */
const MAX_TEXT_BYTES = 1024 * 1024

/**
 * One change as `git diff` would print it: header, modes, and the hunks of a text. Contents that are
 * binary, too large or have just vanished are named alone, in words that `git apply` knows. Control
 * characters of a name are escaped, so that a file name cannot write to the reader's terminal; the
 * text's own are for the caller to escape.
 */
export async function changeText(layers: Layers, change: Change): Promise<string> {
  const { before, after } = change
  const [old, fresh] = [quote(`a/${change.path}`), quote(`b/${change.path}`)]
  const head = [`diff --git ${old} ${fresh}`, ...modeLines(before, after)]
  if (isText(before) || isText(after)) {
    const texts = await Promise.all([
      textOf(layers.lower, change.path, before),
      textOf(layers.upper, change.path, after),
    ])
    head.push(
      ...body(texts, {
        old: before === null ? '/dev/null' : old,
        fresh: after === null ? '/dev/null' : fresh,
      }),
    )
  }
  return `${head.join('\n')}\n`
}

function body(
  [before, after]: readonly [Text, Text],
  names: { old: string; fresh: string },
): string[] {
  const note = [before, after].find((text) => 'note' in text)
  if (note !== undefined && 'note' in note)
    return [`${note.note} ${names.old} and ${names.fresh} differ`]
  if (!('text' in before) || !('text' in after)) return []
  const hunks = unifiedDiff(before.text, after.text)
  return hunks === '' ? [] : [`--- ${names.old}`, `+++ ${names.fresh}`, hunks.replace(/\n$/, '')]
}

function modeLines(before: Side | null, after: Side | null): string[] {
  if (before === null) return [`new file mode ${modeOf(after)}`]
  if (after === null) return [`deleted file mode ${modeOf(before)}`]
  if (modeOf(before) === modeOf(after)) return []
  return [`old mode ${modeOf(before)}`, `new mode ${modeOf(after)}`]
}

const FORMATS = { file: 0o100000, directory: 0o040000, symlink: 0o120000, other: 0 } as const

function modeOf(side: Side | null): string {
  if (side === null) return '000000'
  const bits = side.type === 'symlink' ? 0 : side.mode
  return (FORMATS[side.type] + bits).toString(8).padStart(6, '0')
}

type Text = { text: string } | { note: string }

function isText(side: Side | null): boolean {
  return side?.type === 'file' || side?.type === 'symlink'
}

async function textOf(root: string, path: string, side: Side | null): Promise<Text> {
  if (side?.type === 'symlink') return { text: side.target ?? '' }
  if (side?.type !== 'file') return { text: '' }
  if (side.bytes > MAX_TEXT_BYTES) return { note: 'Files' }
  const bytes = await readWithin(root, path)
  if (bytes === undefined) return { note: 'Files' }
  if (bytes.includes(0)) return { note: 'Binary files' }
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { text } : { note: 'Binary files' }
}

/** @returns undefined when it is gone, no plain file any more, or has grown too large */
async function readWithin(root: string, path: string): Promise<Buffer | undefined> {
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  let directory: OpenDirectory | undefined
  try {
    directory = await OpenDirectory.within(root, parts)
    const file = await directory.file(name)
    try {
      const status = await file.stat()
      return status.isFile() && status.size <= MAX_TEXT_BYTES ? await file.readFile() : undefined
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  } finally {
    await directory?.close()
  }
}

/** As git does: quoted only when needed. */
function quote(name: string): string {
  const plain = Array.from(name).every((c) => c >= ' ' && c !== '\u007f' && c !== '"' && c !== '\\')
  return plain ? name : JSON.stringify(name).replaceAll('\u007f', '\\u007f')
}
