import { DONE, type FormatReader, isOnlyError, listAt, readObject } from './format-reader.ts'
import type { Frame, FrameWriter } from './frame.ts'
import { GeminiCandidate } from './gemini-candidate.ts'
import { indexAt, isObject, type JsonObject, objectAt, textAt } from './json-object.ts'
import type { Reply } from './reply.ts'
import { malformed } from './reply-fault.ts'

/** `candidateCount` of a request is at most 8. */
const MAX_CANDIDATES = 16

/**
 * Replies of generateContent: a chunk of the stream is what a whole reply is. A client runs tools
 * when the stream has ended, others as soon as they see the part; each part has the whole call.
 */
export class GeminiStream implements FormatReader {
  readonly #reply: Reply
  readonly #writer: FrameWriter
  readonly #candidates = new Map<number, GeminiCandidate>()
  #head: JsonObject = {}
  #hasFinished = false
  #isClosed = false

  constructor(reply: Reply, writer: FrameWriter) {
    this.#reply = reply
    this.#writer = writer
  }

  read(frame: Frame): void {
    const { data } = frame
    if (data === null || data.trim() === DONE) return this.#pass(frame)
    const chunk = readObject(data)
    if (isOnlyError(chunk, 'candidates')) return this.#pass(frame)
    const { facts } = this.#reply
    facts.name(chunk['modelVersion'])
    const blocked = objectAt(chunk, 'promptFeedback')?.['blockReason']
    if (typeof blocked === 'string') {
      facts.stop = blocked
      this.#hasFinished = true
    }
    this.#put(frame, chunk)
    // counted from the first chunk on
    if (this.#hasFinished && isObject(chunk['usageMetadata'])) facts.spent(chunk['usageMetadata'])
  }

  end(): void {
    for (const candidate of this.#candidates.values()) {
      const rest = candidate.flush()
      if (rest.length === 0) continue
      this.#reply.pass(0, () => [this.#chunk(candidate, rest, undefined)])
    }
  }

  close(say: string): readonly Buffer[] {
    if (this.#isClosed) return []
    this.#isClosed = true
    if (this.#candidates.size === 0) this.#candidateAt(0)
    const chunks = [...this.#candidates.values()]
      .filter(({ isFinishSent }) => !isFinishSent)
      .map((candidate) => this.#chunk(candidate, [{ text: candidate.saying(say) }], 'STOP'))
    return [...chunks, this.#writer.close()]
  }

  #pass(frame: Frame): void {
    this.#reply.pass(frame.raw.length, () => [this.#writer.same(frame)])
  }

  #put(frame: Frame, chunk: JsonObject): void {
    const came = listAt(chunk, 'candidates')
    const told = came.map((source) => {
      const candidate = this.#candidateAt(indexAt(source, 'index') ?? 0)
      const finish = textAt(source, 'finishReason')
      if (finish !== undefined) {
        this.#reply.facts.stop = finish
        this.#hasFinished = true
      }
      return candidate.read(source)
    })
    const calls = told.flatMap((one) => one.calls)
    const { candidates: _, usageMetadata: __, ...head } = chunk
    this.#reply.put({
      calls,
      bytes: frame.raw.length,
      render: () => {
        this.#head = head
        const candidates = told.map(({ render }) => render())
        const isSame = candidates.every((candidate, at) => candidate === came[at])
        return [
          isSame
            ? this.#writer.same(frame)
            : this.#writer.event(frame.name, { ...chunk, candidates }),
        ]
      },
    })
    for (const call of calls) this.#reply.whole(call)
  }

  #chunk(candidate: GeminiCandidate, parts: readonly object[], finish: string | undefined): Buffer {
    const content = { role: 'model', parts }
    const finished = finish === undefined ? {} : { finishReason: finish }
    const candidates = [{ content, ...finished, index: candidate.index }]
    return this.#writer.event('', { ...this.#head, candidates })
  }

  #candidateAt(index: number): GeminiCandidate {
    const known = this.#candidates.get(index)
    if (known !== undefined) return known
    if (this.#candidates.size === MAX_CANDIDATES) {
      throw malformed(`more than ${MAX_CANDIDATES} candidates`)
    }
    const candidate = new GeminiCandidate(this.#reply, index)
    this.#candidates.set(index, candidate)
    return candidate
  }
}
