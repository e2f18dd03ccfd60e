import { LeafInput } from '../wire/leaves.ts'

/** A leaf on its way out. */
export type LeafRecord = {
  kind: 'leaf'
  /** `<log origin>#<index>`: the same for every sink and every repetition */
  id: string
  index: number
  /** RFC 3339 of the log's time; of a leaf without one, the beginning of 1970 */
  at: string
  type: string
  leaf: Readonly<Record<string, unknown>>
  /** as it stands in the log: canonical JSON */
  line: string
  /** false: a type or version that this program does not know; it goes out as it is */
  isKnown: boolean
}

/** What is no leaf: that the sink is alive, or why nothing more will come. */
export type NoticeRecord = {
  kind: 'heartbeat' | 'stopped'
  id: string
  at: string
  /** leaves that were sent so far */
  index: number
  text: string
}

export type ExportRecord = LeafRecord | NoticeRecord

const TYPES: ReadonlySet<string> = new Set(
  LeafInput.options.map((option) => option.shape.type.value),
)
const VERSIONS: readonly unknown[] = [1, 2]
const NO_TIME = '1970-01-01T00:00:00.000Z'

export function isKnownLeaf(leaf: Readonly<Record<string, unknown>>): boolean {
  return VERSIONS.includes(leaf['v']) && TYPES.has(String(leaf['type']))
}

/** Every type of leaf that this program knows. */
export function knownTypes(): readonly string[] {
  return [...TYPES]
}

export function leafRecord(
  origin: string,
  { index, leaf, line }: Pick<LeafRecord, 'index' | 'leaf' | 'line'>,
): LeafRecord {
  return {
    kind: 'leaf',
    id: `${origin}#${index}`,
    index,
    at: typeof leaf['at'] === 'string' && isTime(leaf['at']) ? leaf['at'] : NO_TIME,
    type: typeof leaf['type'] === 'string' ? leaf['type'] : '',
    leaf,
    line,
    isKnown: isKnownLeaf(leaf),
  }
}

function isTime(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text))
  )
}
