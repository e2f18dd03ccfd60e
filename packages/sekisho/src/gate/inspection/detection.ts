import type { CompiledDetectors } from '../../detect/egress/engine.ts'
import type { NoteFar } from '../../detect/egress/engine-scan.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import { indexPrints } from '../../detect/egress/secret-prints/print-index.ts'
import { PrintScan } from '../../detect/egress/secret-prints/print-scan.ts'
import { ViewedScan } from '../../detect/egress/views/viewed-scan.ts'
import type { SecretPrintSet } from '../../wire/secret-prints.ts'
import { BodyMemory } from './body-memory.ts'
import type { Detection } from './inspector.ts'
import { ForgivingScan } from './known-texts.ts'

export type DetectionParts = {
  detectors: CompiledDetectors
  /** of the session's canaries and secrets */
  prints: SecretPrintSet
  /** what looks like a secret and is none: the placeholders of this session */
  harmless: readonly string[]
}

/** Everything that is looked for in the data of one session, and in every encoding of it. */
export function makeDetection({ detectors, prints, harmless }: DetectionParts): Detection {
  const texts = harmless.map((text) => Buffer.from(text, 'latin1'))
  const index = indexPrints(prints)
  const scanView = (_view: string, noteFar: NoteFar): Scan => {
    const known = detectors.scan(noteFar)
    const forgiving = texts.length === 0 ? known : new ForgivingScan(known, texts)
    return index.count === 0 ? forgiving : new BothScans(new PrintScan(index), forgiving)
  }
  const memory = new BodyMemory(index.maxBytes)
  const scanBody = (contentType: string | undefined): Scan => {
    if (contentType === undefined || !JSON_TYPE.test(contentType)) {
      return new ViewedScan(contentType, scanView)
    }
    return memory.scan((noteFar) => new ViewedScan(contentType, scanView, noteFar))
  }
  return {
    scanBody,
    foundIn: (body) => memory.foundIn(body),
    scanText: (text, kind) => {
      const scan = scanBody(kind === 'query' ? FORM : undefined)
      return [...scan.push(Buffer.from(text, 'latin1')), ...scan.end()]
    },
  }
}

const JSON_TYPE = /^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

/** A query is written like a form (WHATWG URL §5). */
const FORM = 'application/x-www-form-urlencoded'

class BothScans implements Scan {
  readonly #one: Scan
  readonly #other: Scan

  constructor(one: Scan, other: Scan) {
    this.#one = one
    this.#other = other
  }

  push(piece: Uint8Array): readonly Finding[] {
    return join(this.#one.push(piece), this.#other.push(piece))
  }

  end(): readonly Finding[] {
    return join(this.#one.end(), this.#other.end())
  }
}

function join(one: readonly Finding[], other: readonly Finding[]): readonly Finding[] {
  return one.length === 0 ? other : [...one, ...other]
}
