import { NpmMetadata } from '../../detect/packages/npm-metadata.ts'
import { MISSING, type PackageFacts } from '../../detect/packages/package-facts.ts'
import type { PackageRequest } from '../../detect/packages/package-request.ts'
import { MAX_RELEASES_OF_ONE } from '../../detect/packages/package-table.ts'
import { describeHtmlIndex, PypiMetadata } from '../../detect/packages/pypi-metadata.ts'
import type { Fields } from '../http-fields.ts'
import { fieldValue } from '../http-fields.ts'
import { BodyReading } from '../inspection/body-reading.ts'
import type { ReplySink } from '../reply-sink.ts'
import { PassingSink, SharedDrain } from './passing-sink.ts'

export type MetadataRequest = Extract<PackageRequest, { kind: 'metadata' }>

/** Of a registry's document as it comes; unpacked it may be eight times that. */
const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024

type Scan = { push(piece: Uint8Array): void; end(): PackageFacts | undefined }

/**
 * Reads what a registry says of a package while it goes to the agent. The agent has its end only
 * when it has been read: what the agent asks for next is judged by it.
 */
export class MetadataSink extends PassingSink {
  readonly #request: MetadataRequest
  readonly #onFacts: (facts: PackageFacts) => void
  readonly #drain = new SharedDrain()
  #scan: Scan | undefined
  #reading: BodyReading | undefined

  /** @param onFacts called at most once, before the reply ends */
  constructor(inner: ReplySink, request: MetadataRequest, onFacts: (facts: PackageFacts) => void) {
    super(inner)
    this.#request = request
    this.#onFacts = onFacts
    inner.onDrain(() => this.#drain.drained())
  }

  override head(status: number, message: string, fields: Fields): void {
    if (status === 404) this.#onFacts(MISSING)
    if (status === 200) this.#start(fields)
    super.head(status, message, fields)
  }

  override write(bytes: Buffer): boolean {
    const looking = this.#reading?.write(bytes)
    return this.#drain.wrote(super.write(bytes), looking)
  }

  override end(bytes?: Buffer | string): void {
    const reading = this.#reading
    if (reading === undefined) return super.end(bytes)
    if (bytes !== undefined) void reading.write(Buffer.from(bytes))
    void Promise.resolve(reading.end()).then(() => {
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

  #start(fields: Fields): void {
    const scan = startScan(this.#request, fieldValue(fields, 'content-type') ?? '')
    if (scan === undefined) return
    this.#scan = scan
    const coding = fieldValue(fields, 'content-encoding')
    this.#reading = new BodyReading(coding, (piece) => scan.push(piece), MAX_DOCUMENT_BYTES)
  }

  #finish(): void {
    if (this.#reading?.problem !== undefined) return
    const facts = this.#scan?.end()
    if (facts !== undefined) this.#onFacts(facts)
  }
}

/** undefined for a document that says nothing about all versions of a package */
function startScan({ document, name }: MetadataRequest, contentType: string): Scan | undefined {
  switch (document) {
    case 'packument':
      return new NpmMetadata(name, MAX_RELEASES_OF_ONE)
    case 'simple':
      return /html/i.test(contentType) ? HTML : new PypiMetadata(name, MAX_RELEASES_OF_ONE)
    case 'pypi-json':
      return new PypiMetadata(name, MAX_RELEASES_OF_ONE)
    case 'npm-version':
      return undefined
  }
}

/** That there is such a page is all that it says of age and scripts. */
const HTML: Scan = { push: () => undefined, end: describeHtmlIndex }
