import type { Judged, ReplyHold, ReplyStep } from '../../format.ts'

/** What came of a reply: everything that left, and when calls were judged. */
export type Played = {
  output: string
  /** indexes of calls, in the order of their judgements, with what had left before each */
  settled: { index: number; before: string }[]
  /** what was asked about, by index */
  judged: Map<number, string>
  refused: string | null
}

export type Decide = (index: number) => Judged

/**
 * Plays a reply through a hold: pieces in order, judgements in between.
 *
 * @param show what left, as text
 * @param picks what is settled next, and when: an entry for each piece, -1 for nothing
 */
export function play(
  hold: ReplyHold,
  pieces: readonly Buffer[],
  {
    decide,
    picks,
    show = String,
  }: { decide: Decide; picks: readonly number[]; show?: (bytes: Buffer) => string },
): Played {
  const waiting: number[] = []
  const played: Played = { output: '', settled: [], judged: new Map(), refused: null }
  const take = (steps: readonly ReplyStep[]): void => {
    for (const step of steps) {
      if (step.kind === 'write') played.output += show(step.bytes)
      else if (step.kind === 'refuse') played.refused = `${step.rule}: ${step.reason}`
      else {
        waiting.push(step.call.index)
        played.judged.set(step.call.index, `${step.call.tool} ${step.call.arguments}`)
      }
    }
  }
  const settle = (pick: number): void => {
    if (pick < 0 || waiting.length === 0) return
    const [index = 0] = waiting.splice(pick % waiting.length, 1)
    played.settled.push({ index, before: played.output })
    take(hold.settle(index, decide(index)))
  }
  pieces.forEach((piece, at) => {
    take(hold.push(piece))
    settle(picks[at % picks.length] ?? -1)
  })
  take(hold.end())
  for (let at = 0; waiting.length > 0; at += 1) settle(Math.abs(picks[at % picks.length] ?? 0))
  return played
}

/** Cuts at these places, or everywhere. */
export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}
