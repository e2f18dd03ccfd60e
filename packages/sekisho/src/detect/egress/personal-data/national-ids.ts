import type { Detector, Span } from '../detector.ts'
import { hasContext, NUMBER_WINDOW, overlaps, places } from './context.ts'

const SSN = /(?<![0-9A-Za-z_])(?<![0-9][ .-])\d{3}([ -])\d{2}\1\d{4}(?![0-9A-Za-z_])(?![ .-][0-9])/g
const SSN_CONTEXT = /\bssn\b|social.?security|tax(?:payer)?.?id|\bitin\b/i
/** Printed in advertisements and thus nobody's: SSA, "Meaning of the Social Security Number". */
const NOBODYS = new Set(['078051120', '219099999'])

/** US social security numbers, grouped: with hyphens, or with spaces near a word that names them. */
export const ssn: Detector = {
  id: 'pii.us-ssn',
  class: 'personal-data',
  source:
    'https://www.ssa.gov/employer/randomization.html: areas 000, 666 and 900–999, group 00 and serial 0000 are never given',
  trigger: { kind: 'run', alphabet: 'digits', minBytes: 11 },
  window: NUMBER_WINDOW,
  match(text, hit) {
    return [...places(SSN, text)]
      .filter((place) => overlaps(place, hit) && isSsn(place.text))
      .filter((place) => place.text[3] === '-' || hasContext(SSN_CONTEXT, text, place))
      .map(({ start, end }): Span => ({ start, end }))
  },
}

function isSsn(text: string): boolean {
  const [area = '', group = '', serial = ''] = text.split(/[ -]/)
  if (area === '000' || area === '666' || area.startsWith('9')) return false
  return group !== '00' && serial !== '0000' && !NOBODYS.has(area + group + serial)
}

const NINO =
  /(?<![0-9A-Za-z])(?!BG|GB|NK|KN|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2}( ?)\d{2}\1\d{2} ?[A-D](?![0-9A-Za-z])/gi

/** UK national insurance numbers, near a word that names them: they have no check digit. */
export const nino: Detector = {
  id: 'pii.uk-nino',
  class: 'personal-data',
  source: 'https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110',
  trigger: {
    kind: 'keyword',
    words: [
      'national insurance',
      'national_insurance',
      'nationalinsurance',
      'nino',
      'ni number',
      'ni no',
    ],
  },
  window: { before: 64, after: 64 },
  match: (text) => [...places(NINO, text)].map(({ start, end }): Span => ({ start, end })),
}
