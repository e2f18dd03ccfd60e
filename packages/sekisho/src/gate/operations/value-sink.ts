import { joinLabels, type Label } from '../../core/label.ts'
import { JsonText } from '../../policy/values/json-text.ts'
import type { KnownValues } from '../../policy/values/known-values.ts'
import type { HostLabel } from '../../wire/decision.ts'
import { type Fields, fieldValue } from '../http-fields.ts'
import { BodyReading } from '../inspection/body-reading.ts'
import { PassingSink, SharedDrain } from '../packages/passing-sink.ts'
import type { ReplySink } from '../reply-sink.ts'

/** Of one reply, in the clear; values behind that are not known. */
const MAX_LEARNED_BYTES = 1024 * 1024

/** Hosts in this group say what a model makes of what it was told. */
const MODELS = 'llm-providers'

/** Text that people or machines write values into. */
const IS_TEXT = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml|x-ndjson)\b)/i
const IS_JSON = /json/i

/**
 * What a reply may teach in a session: no more than its host is trusted, no more than the session
 * still is. Once untrusted content is there, a trusted host can repeat what an injected instruction
 * made the agent tell it, and a model does nothing else: neither names values from then on.
 *
 * @param session label with this reply's source joined already
 */
export function teachingLabel(
  host: Pick<HostLabel, 'integrity' | 'confidentiality' | 'groups'>,
  session: Label,
): Label {
  const { confidentiality } = host
  const integrity = host.groups.includes(MODELS) ? 'untrusted' : host.integrity
  return joinLabels({ integrity, confidentiality }, session)
}

export type ValueLearner = ReturnType<KnownValues['read']>

/**
 * Reads the values that a reply names, on its way to the agent. The agent has the end of an encoded
 * reply only when it has been read: what the agent does next is judged by it.
 */
export class ValueSink extends PassingSink {
  readonly #learner: () => ValueLearner
  readonly #drain = new SharedDrain()
  #reading: BodyReading | undefined
  #started: ValueLearner | undefined

  /** @param learner made when there is something to learn: the label is that of this moment */
  constructor(inner: ReplySink, learner: () => ValueLearner) {
    super(inner)
    this.#learner = learner
    inner.onDrain(() => this.#drain.drained())
  }

  override head(status: number, message: string, fields: Fields): void {
    const type = fieldValue(fields, 'content-type') ?? 'text/plain'
    if (IS_TEXT.test(type)) this.#start(fields, IS_JSON.test(type))
    super.head(status, message, fields)
  }

  override write(bytes: Buffer): boolean {
    const looking = this.#reading?.write(bytes)
    return this.#drain.wrote(super.write(bytes), looking)
  }

  override end(bytes?: Buffer | string): void {
    const reading = this.#reading
    if (reading === undefined) {
      this.#finish()
      return super.end(bytes)
    }
    if (bytes !== undefined) void reading.write(Buffer.from(bytes))
    const rest = reading.end()
    if (rest === undefined) {
      this.#finish()
      return super.end(bytes)
    }
    void rest.then(() => {
      this.#finish()
      super.end(bytes)
    })
  }

  override destroy(): void {
    this.#reading?.destroy()
    super.destroy()
  }

  override onDrain(listener: () => void): void {
    this.#drain.onDrain(listener)
  }

  #start(fields: Fields, isJson: boolean): void {
    const learner = this.#learner()
    const decoder = new TextDecoder('utf-8')
    const json = isJson ? new JsonText() : undefined
    let bytes = 0
    const see = (piece: Buffer): void => {
      const room = MAX_LEARNED_BYTES - bytes
      if (room <= 0) return
      bytes += piece.length
      const text = decoder.decode(piece.subarray(0, room), { stream: true })
      learner.push(json === undefined ? text : json.push(text))
    }
    const coding = fieldValue(fields, 'content-encoding')
    this.#reading = new BodyReading(coding, see, MAX_LEARNED_BYTES)
    this.#started = learner
  }

  #finish(): void {
    this.#started?.end()
    this.#started = undefined
  }
}
