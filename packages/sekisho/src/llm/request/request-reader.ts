import type { ModelApi } from '../../core/action.ts'
import type { Malformed } from '../format.ts'
import { commonStart, type KeptBody, PartFinder } from './kept-body.ts'
import {
  assemble,
  type CallRoute,
  orMalformed,
  type ReadRequest,
  refuseUnread,
} from './read-request.ts'
import { SeenTexts } from './seen-texts.ts'
import { readSegments } from './segments.ts'

/** Bodies of a session that others may go on from: of an agent and its helpers. */
const MAX_KEPT = 16
/** Of all bodies that are kept; a longer one is read whole each time. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024

type Kin = { kept: KeptBody; finder: PartFinder }

/**
 * Reads the requests of one session. Each turn says again what was said before: what stands in an
 * earlier body byte for byte is not read again, and the result is the same as if it were.
 */
export class RequestReader {
  /** the last used first */
  #kept: readonly KeptBody[] = []
  readonly #seen = new SeenTexts()

  /** @param body is kept, and must not be written to afterwards */
  read(route: CallRoute, body: Buffer): ReadRequest | Malformed {
    return orMalformed(() => {
      refuseUnread(route, body)
      const kin = this.#kinOf(route.api, body)
      const read = readSegments(route.api, body, kin?.finder)
      const request = assemble(route, read)
      this.#keep({ api: route.api, bytes: body, segments: read.segments }, kin)
      const fresh = this.#seen.takeFresh(read.fresh.flatMap(({ piece }) => piece.texts))
      return { ...request, fresh }
    })
  }

  /**
   * The body that this one has most of. Of helpers that are told the same instructions, the one that
   * begins like it for the longest is the turn before it.
   */
  #kinOf(api: ModelApi, body: Buffer): Kin | undefined {
    const sameApi = this.#kept.filter((each) => each.api === api)
    let best = kinOf(longestStart(sameApi, body), body)
    if (best === undefined || best.finder.sameBytes * 2 > body.length) return best
    for (const kept of sameApi) {
      const kin = kinOf(kept, body)
      if (kin !== undefined && kin.finder.sameBytes > best.finder.sameBytes) best = kin
    }
    return best
  }

  /** In place of the turn before it. */
  #keep(body: KeptBody, kin: Kin | undefined): void {
    const isIn = kin !== undefined && kin.finder.sameBytes === kin.kept.bytes.length
    const others = this.#kept.filter((each) => !isIn || each !== kin.kept)
    let bytes = 0
    this.#kept = [body, ...others].slice(0, MAX_KEPT).filter((each) => {
      bytes += each.bytes.length
      return bytes <= MAX_KEPT_BYTES
    })
  }
}

function kinOf(kept: KeptBody | undefined, body: Buffer): Kin | undefined {
  return kept === undefined ? undefined : { kept, finder: new PartFinder(kept, body) }
}

function longestStart(bodies: readonly KeptBody[], body: Buffer): KeptBody | undefined {
  let best: KeptBody | undefined
  let longest = -1
  for (const kept of bodies) {
    if (longest >= 0 && kept.bytes[longest] !== body[longest]) continue
    const start = commonStart(kept.bytes, body)
    if (start > longest) [best, longest] = [kept, start]
  }
  return best
}
