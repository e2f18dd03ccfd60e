import type { HttpRequestAction } from '../../core/action.ts'
import { urlOfRequest, urlsOfLink } from '../../policy/provenance/canonical-url.ts'
import { UrlExtractor } from '../../policy/provenance/extract-urls.ts'
import type { ProvenanceState } from '../../policy/provenance/provenance-state.ts'
import type { Fields } from '../http-fields.ts'
import { fieldValue } from '../http-fields.ts'
import { BodyReading } from '../inspection/body-reading.ts'
import { PassingSink } from '../packages/passing-sink.ts'
import type { ReplySink } from '../reply-sink.ts'

/** Of one reply; the extractor reads no more of it either. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024

/**
 * Tells what a reply does to what is known of URLs, before the agent has the bytes: that private
 * data comes in, the links of an index, where a redirect leads.
 */
export class LinkSink extends PassingSink {
  readonly #action: HttpRequestAction
  readonly #state: ProvenanceState
  readonly #rules: () => readonly string[]
  #extractor: UrlExtractor | undefined
  #reading: BodyReading | undefined

  /** @param rules those that allowed the request */
  constructor(
    inner: ReplySink,
    request: { action: HttpRequestAction; rules: () => readonly string[] },
    state: ProvenanceState,
  ) {
    super(inner)
    this.#action = request.action
    this.#rules = request.rules
    this.#state = state
  }

  override head(status: number, message: string, fields: Fields): void {
    const rules = this.#rules()
    this.#state.apply({ type: 'reply', rules })
    if (status >= 300 && status < 400) this.#follow(fieldValue(fields, 'location'))
    if (status === 200 && this.#state.isLearning(rules)) this.#learn(fields)
    super.head(status, message, fields)
  }

  override write(bytes: Buffer): boolean {
    void this.#reading?.write(bytes) // in the clear, so that it is read when this returns
    return super.write(bytes)
  }

  override end(bytes?: Buffer | string): void {
    if (bytes !== undefined) void this.#reading?.write(Buffer.from(bytes))
    this.#tell(this.#extractor?.end() ?? [])
    super.end(bytes)
  }

  #follow(location: string | undefined): void {
    if (location === undefined) return
    const to = urlsOfLink(location, urlOfRequest(this.#action))
    this.#state.apply({ type: 'redirect', from: this.#action, to })
  }

  /** What comes encoded all the same is not learned from: an unknown URL is denied. */
  #learn(fields: Fields): void {
    const coding = fieldValue(fields, 'content-encoding')
    const extractor = new UrlExtractor(urlOfRequest(this.#action))
    const see = (piece: Buffer): void => this.#tell(extractor.push(piece))
    const reading = new BodyReading(coding, see, MAX_DOCUMENT_BYTES)
    if (!reading.isPlain) return reading.destroy()
    this.#extractor = extractor
    this.#reading = reading
  }

  #tell(urls: readonly string[]): void {
    if (urls.length > 0) this.#state.apply({ type: 'links', rules: this.#rules(), urls })
  }
}
