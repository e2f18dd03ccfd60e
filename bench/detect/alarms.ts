/** What is found in text where there is nothing to be found. */
import { relative } from 'node:path'
import type { Finding, Scan } from '../../packages/sekisho/src/detect/egress/finding.ts'
import type { Text } from './corpus.ts'

export type Alarm = { finding: Finding; file: string; hint: string }

/** As much of what was found as tells which kind it is. */
const HINT_CHARACTERS = 4

/** Each file is a stream of its own, as a body is. */
export function alarmsIn({ file, bytes }: Text, makeScan: () => Scan): Alarm[] {
  const scan = makeScan()
  return [...scan.push(bytes), ...scan.end()].map((finding) => ({
    finding,
    file,
    hint: hintOf(finding, bytes),
  }))
}

/** A place in a view is no place in the file. */
function hintOf({ start, end, view }: Finding, bytes: Buffer): string {
  const length = `${end - start} bytes`
  if (view !== undefined) return `${length} in ${view}`
  const shown = bytes.toString('latin1', start, Math.min(end, start + HINT_CHARACTERS))
  return `${shown.replace(/[^\x21-\x7e]/g, '.')}… ${length}`
}

/** Would a policy of certain formats deny it? The generic ones and the other classes are recorded. */
export function isDenied({ finding: { class: kind, detector } }: Alarm): boolean {
  return kind === 'secret-format' && !detector.startsWith('secret.generic-')
}

export function perTenMegabytes(count: number, bytes: number): number {
  return (count / bytes) * 1e7
}

/** One line, without what was found. @param root what the file's path is told from */
export function describeAlarm({ finding, file, hint }: Alarm, root: string): string {
  return `${finding.detector}  ${relative(root, file)}:${finding.start}  ${hint}`
}
