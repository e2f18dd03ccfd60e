import type { Claim, ClaimedCall, Reading, Transcript } from './claim.ts'
import { type Json, linesOf } from './json-values.ts'

/** One piece of a log, such as a line or a message. */
export type ReadPiece = {
  claims: (piece: Json) => readonly Claim[]
  calls: (piece: Json) => readonly ClaimedCall[]
}

/** @param pieces null for one that could not be read */
export function readPieces(pieces: Iterable<Json | null>, { claims, calls }: ReadPiece): Reading {
  const reading: Reading = { claims: [], calls: [], unread: 0 }
  for (const piece of pieces) {
    if (piece === null) {
      reading.unread += 1
      continue
    }
    for (const claim of claims(piece)) reading.claims.push(claim)
    for (const call of calls(piece)) reading.calls.push(call)
  }
  return reading
}

/** A log of one JSON object a line. */
export function readLines(transcript: Transcript, read: ReadPiece): Reading {
  return readPieces(linesOf(textOf(transcript)), read)
}

export function textOf({ content }: Transcript): string {
  return TEXT.decode(content)
}

const TEXT = new TextDecoder()
