import type { IndexedLeaf } from '@sekisho/verify'
import { timeOf } from '../search/leaf-fields.ts'
import { drawScreen, type ScreenSize } from './replay-screen.ts'
import { ReplayState } from './replay-state.ts'

/** How a session is played. */
export type Playing =
  /** as fast as it went times `speed`; silences are cut short */
  | { kind: 'time'; speed: number }
  /** one leaf after another, each when it is asked for */
  | { kind: 'step' }
  /** one picture of how it was then, Unix ms */
  | { kind: 'at'; atMs: number }

export type ReplayPorts = {
  /** shows a frame in place of the one before */
  show(lines: readonly string[]): void
  /** resolves after so long */
  wait(ms: number): Promise<void>
  /** resolves when the next one is wanted; false to end */
  next(): Promise<boolean>
  size(): ScreenSize
}

/** Leaves that follow each other so closely share a frame. */
const FRAME_MS = 100
/** Longer than this nobody looks at a picture that does not change. */
const MAX_WAIT_MS = 2000

/** Draws a session from its leaves, oldest first; holds one picture, however many leaves there are. */
export async function playSession(
  leaves: Iterable<IndexedLeaf>,
  playing: Playing,
  ports: ReplayPorts,
): Promise<void> {
  const state = new ReplayState()
  const draw = (): void => ports.show(drawScreen(state, ports.size()))
  let shownMs: number | null = null
  for (const { leaf } of leaves) {
    const atMs = timeOf(leaf)
    if (isAfter(playing, atMs)) break
    if (playing.kind === 'time' && isFrameDue(shownMs, atMs, playing.speed)) {
      draw()
      await ports.wait(Math.min(waitMs(shownMs, atMs, playing.speed), MAX_WAIT_MS))
      shownMs = atMs
    }
    state.apply(leaf)
    shownMs ??= atMs
    if (playing.kind !== 'step') continue
    draw()
    if (!(await ports.next())) return
  }
  if (playing.kind !== 'step') draw()
}

function isAfter(playing: Playing, atMs: number | null): boolean {
  return playing.kind === 'at' && atMs !== null && atMs > playing.atMs
}

function isFrameDue(shownMs: number | null, atMs: number | null, speed: number): boolean {
  return waitMs(shownMs, atMs, speed) >= FRAME_MS
}

function waitMs(shownMs: number | null, atMs: number | null, speed: number): number {
  return shownMs === null || atMs === null ? 0 : (atMs - shownMs) / speed
}
