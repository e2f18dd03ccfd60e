import type { SkipEvents } from '../sse.ts'

/** One event, message or document of a reply, with the bytes that it came as. */
export type Frame = {
  raw: Buffer
  /** of the `event` field; empty where there is none */
  name: string
  /** null for what carries nothing, such as a comment */
  data: string | null
  /** whether `raw` may leave as it is, or has to be written anew */
  isPlain: boolean
}

/**
 * How the frames of one reply are written. Bytes are asked for in the order in which they leave,
 * once each: of a JSON array, what stands between two elements depends on it.
 */
export interface FrameWriter {
  /** whether events have a name beside their data */
  readonly hasNames?: boolean
  /** whether events have been written with lines that end in LF alone */
  readonly isLf?: boolean
  /** a frame as it came */
  same(frame: Frame): Buffer
  /** a frame of this value */
  event(name: string, value: object): Buffer
  /** behind the last frame of a reply that is ended before its end; may be empty */
  close(): Buffer
}

/** Cuts the bytes of a reply into frames. */
export interface FrameReader {
  /**
   * @param found told of each frame, also of those in front of a fault
   * @param skip where frames are server-sent events: takes those that it reads by itself
   */
  push(bytes: Buffer, found: (frame: Frame) => void, skip?: SkipEvents): void
  end(): readonly Frame[]
}
