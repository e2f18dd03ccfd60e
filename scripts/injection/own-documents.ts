import type { Document } from './documents.ts'
import { ATTACK_FRAMES, ATTACK_WORDS } from './own-attacks.ts'
import { HONEST_FRAMES, HONEST_WORDS } from './own-honest.ts'

/** The source that our own texts have among the others. */
export const OWN_SOURCE = 'own'

/** Of all that one frame makes, as many as this: enough for its words to be seen in all places. */
const EACH_FRAME = 120

/** Texts written for this, which are committed: what the public sets do not have. */
export function ownDocuments(): Document[] {
  return [
    ...ATTACK_FRAMES.flatMap((frame) => fill(frame, ATTACK_WORDS)).map((text) => ({
      text,
      isAttack: true,
      source: OWN_SOURCE,
    })),
    ...HONEST_FRAMES.flatMap((frame) => fill(frame, HONEST_WORDS)).map((text) => ({
      text,
      isAttack: false,
      source: OWN_SOURCE,
    })),
  ]
}

function fill(frame: string, words: Readonly<Record<string, readonly string[]>>): string[] {
  const filled: string[] = []
  for (let turn = 0; turn < EACH_FRAME; turn++) {
    let place = 0
    filled.push(
      frame.replace(/\{(\w+)\}/g, (_, name: string) => {
        const choices = words[name] ?? []
        place += 1
        // steps that share no factor with the usual lengths, so that pairs differ
        return (
          choices[(turn * place + Math.floor((turn * place) / choices.length)) % choices.length] ??
          ''
        )
      }),
    )
  }
  return [...new Set(filled)]
}
