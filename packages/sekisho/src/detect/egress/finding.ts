import type { DetectorClass } from '../../core/finding.ts'

export type { DetectorClass } from '../../core/finding.ts'

/** Something that was looked for, and where it stands. Never holds what was found. */
export type Finding = {
  /** stable id, for example `secret.github-pat`, `pii.card`, `entropy.blob` */
  detector: string
  class: DetectorClass
  /** byte offsets in the stream that was scanned; `end` is exclusive */
  start: number
  end: number
  /** the decoding in which it stands, with offsets there; left out for the bytes as they are */
  view?: string | undefined
}

/** Looks at one stream of bytes as it goes by; the result does not depend on how it was cut. */
export interface Scan {
  /** what has become certain with this piece, which is not written to afterwards */
  push(piece: Uint8Array): readonly Finding[]
  /** the rest; nothing may be pushed afterwards */
  end(): readonly Finding[]
}
