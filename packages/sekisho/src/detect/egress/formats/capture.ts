import type { Detector, Span } from '../detector.ts'

/** What a pattern's group `value` took. */
export type Captured = {
  value: string
  place: Span
  /** the other groups; one that took no part is empty */
  group: (name: string) => string
}

/** @param pattern with the flags `d` and `y` and a group `value` that always takes part */
export function captureAt(pattern: RegExp, text: string, at: number): Captured | undefined {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  return found === null ? undefined : capturedIn(found)
}

/** @param found with indices and a group `value` that took part */
export function capturedIn(found: RegExpExecArray): Captured {
  const [start, end] = found.indices?.groups?.['value'] ?? [0, 0]
  const group = (name: string): string => found.groups?.[name] ?? ''
  return { value: group('value'), place: { start, end }, group }
}

/** A detector's `match`: what stands right after the trigger, if it is accepted. */
export function valueAfter(
  pattern: RegExp,
  accept: (value: string, group: (name: string) => string) => boolean,
): Detector['match'] {
  return (text, hit) => {
    const found = captureAt(pattern, text, hit.end)
    return found !== undefined && accept(found.value, found.group) ? [found.place] : []
  }
}
