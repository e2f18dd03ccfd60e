import { canonicalForm, isObject, parseObject } from './canonical.ts'
import type { LeafVersion } from './leaf.ts'
import type { OpenEntry } from './open-entries.ts'
import type { Line } from './lines.ts'

/**
 * The log's files. Each segment is text lines, only ever appended to:
 *
 * - line 1, `#` + JSON: {@link SegmentHeader}, the state of the log before this segment;
 * - `{…`: a leaf, in its canonical form;
 * - `"…`: a checkpoint, a signed note as a JSON string; it seals every leaf above it.
 *
 * Leaves and the checkpoint that seals them are one write. What no checkpoint seals was never
 * acknowledged and is not part of the log. A segment whose end is torn is left as it is and
 * followed by a new one, whose header says where the log goes on.
 */

/** A segment is closed once it is at least this long. */
export const SEGMENT_BYTES = 64 * 1024 * 1024
/** One checkpoint seals at most this many leaves, which bounds what a reader holds. */
export const MAX_BATCH_LEAVES = 4096

export type SegmentHeader = {
  segment: number
  /** leaves before this segment */
  size: number
  /** hashes of the full subtrees of that tree, largest first, base64 */
  frontier: string[]
  /** signed note of that tree; null when it is empty */
  checkpoint: string | null
  /** time of the last leaf before this segment */
  at: string | null
  /** sessions and actions that have begun and not ended, as pairs of session and id */
  open: OpenEntry[]
  /** the latest version among the leaves before this segment: none goes back behind it */
  version: LeafVersion
}

export type Segment = {
  number: number
  /** of the whole segment, from its start each time */
  lines: () => AsyncIterable<Line[]>
  /** null when the file seals nothing: it is torn before its first checkpoint, or in its header */
  header: SegmentHeader | null
  headerText: string | null
}

export type Fault = { index: number; segment: number; line: number; reason: string }

export function segmentName(number: number): string {
  return `${String(number).padStart(12, '0')}.log`
}

/** Without the line's end. The form is exact: a reader compares it byte by byte. */
export function formatHeader(header: SegmentHeader): string {
  const open = header.open.map(({ session, id }) => [session, id])
  const { version: v, ...rest } = header
  return `#${canonicalForm({ ...rest, open, v })}`
}

export function parseHeader(text: string): SegmentHeader | undefined {
  const value = text.startsWith('#') ? parseObject(Buffer.from(text.slice(1))) : undefined
  if (value === undefined) return undefined
  const header = {
    segment: Number(value['segment']),
    size: Number(value['size']),
    frontier: strings(value['frontier']),
    checkpoint: stringOrNull(value['checkpoint']),
    at: stringOrNull(value['at']),
    open: openEntries(value['open']),
    version: value['v'] === 2 ? 2 : 1,
  } as const satisfies SegmentHeader
  // whatever was missing, guessed at or extra shows here
  return formatHeader(header) === text ? header : undefined
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function openEntries(value: unknown): OpenEntry[] {
  const pairs: unknown[] = Array.isArray(value) ? value : []
  return pairs.map((pair) => {
    const [session = '', id = ''] = strings(pair)
    return { session, id }
  })
}

/** Where a log is: a directory, or what was dropped on a page. */
export type LogSource = {
  /** numbers of its segments, ascending */
  list(): Promise<number[]>
  open(number: number): Promise<Segment | Fault>
}

/**
 * A segment with its header; a Fault when the header is wrong.
 *
 * A segment counts once it holds a checkpoint. Before that it is as if it were not there, and
 * the one before it is not yet at its end: a header alone can cut nothing off.
 *
 * @param lines of the whole segment, from its start each time
 */
export async function headSegment(
  number: number,
  lines: () => AsyncIterable<Line[]>,
): Promise<Segment | Fault> {
  const headerText = await sealedHeader(lines())
  if (headerText === undefined) return { number, lines, header: null, headerText: null }
  const header = parseHeader(headerText)
  if (header?.segment === number) return { number, lines, header, headerText }
  return { index: header?.size ?? 0, segment: number, line: 1, reason: 'a broken segment header' }
}

/** The first line, once a checkpoint follows. */
async function sealedHeader(batches: AsyncIterable<Line[]>): Promise<string | undefined> {
  let first: Line | undefined
  for await (const lines of batches) {
    first ??= lines[0]
    if (lines.some((line) => line !== first && isCheckpointLine(line))) {
      return first?.bytes.toString('utf8')
    }
  }
  return undefined
}

export function isCheckpointLine({ bytes, end }: Line): boolean {
  return bytes[0] === 0x22 && end === 'newline'
}

export function isFault(value: unknown): value is Fault {
  return isObject(value) && typeof value['reason'] === 'string' && 'segment' in value
}
