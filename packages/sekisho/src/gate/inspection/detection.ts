import type { CompiledDetectors } from '../../detect/egress/engine.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import type { Detection } from './inspector.ts'
import { ForgivingScan } from './known-texts.ts'

export type DetectionParts = {
  detectors: CompiledDetectors
  /** what looks like a secret and is none: the placeholders of this session */
  harmless: readonly string[]
}

/** Everything that is looked for in the data of one session. */
export function makeDetection({ detectors, harmless }: DetectionParts): Detection {
  const texts = harmless.map((text) => Buffer.from(text, 'latin1'))
  const scanStream = (): Scan =>
    texts.length === 0 ? detectors.scan() : new ForgivingScan(detectors.scan(), texts)
  return {
    scanBody: () => scanStream(),
    scanText: (text) => scanWhole(scanStream(), text),
  }
}

function scanWhole(scan: Scan, text: string): readonly Finding[] {
  return [...scan.push(Buffer.from(text, 'latin1')), ...scan.end()]
}
