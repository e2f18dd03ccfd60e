import { captureAt } from './capture.ts'
import { isPlausible } from './plausible.ts'
import { shapeOf } from './shape.ts'
import { type Format, NOTHING } from './token.ts'

/**
 * A secret without a form of its own, known by the name that it is given to: `DATADOG_API_KEY=…`,
 * `"datadog": {"token": "…"}` over one line, `datadog.setKey("…")`.
 */
export type AssignedRow = readonly [
  name: string,
  /** what the name of the variable holds, in lower case */
  words: readonly string[],
  /** pattern of the value (see shape.ts) */
  value: string,
  accept?: (value: string) => boolean,
]

/** The rest of the name: it says that the value is a secret, unless the word said so. */
const NAME_REST = '(?<rest>[\\w.-]{0,40})'
const SECRET_NAME = /key|token|secret|pass|pwd|auth|cred|pat\b|pat_/i
/** Names of what is not secret, though its name sounds so. */
const PUBLIC_NAME =
  /public|pub_?key|key_?id|keyid|client_?id|fingerprint|hash|sha|md5|commit|version/i
const BETWEEN =
  '(?:\\\\{0,2}["\'`\\]]){0,2}\\s{0,4}(?:=>|:=|={1,3}|[:,(>])\\s{0,4}(?:\\\\{0,2}["\'`(]){0,3}'
const BETWEEN_BYTES = 24
const NAME_REST_BYTES = 40

/** @param source where the issuer says what its keys look like, or a well-known list of rules */
export function assigned(source: string, rows: readonly AssignedRow[]): Format[] {
  return rows.map((row) => assignedDetector(source, row))
}

function assignedDetector(source: string, [name, words, value, accept]: AssignedRow): Format {
  const around = new RegExp(`${NAME_REST}${BETWEEN}(?<value>${value})(?![A-Za-z0-9_/+-])`, 'dy')
  return {
    id: `secret.${name}`,
    class: 'secret-format',
    source,
    pattern: value,
    assigned: true,
    trigger: { kind: 'keyword', words },
    window: { before: 0, after: NAME_REST_BYTES + BETWEEN_BYTES + shapeOf(value).maxLength + 1 },
    match(text, hit) {
      const found = captureAt(around, text, hit.end)
      if (found === undefined) return NOTHING
      const called = text.slice(hit.start, hit.end) + found.group('rest')
      if (!SECRET_NAME.test(called) || PUBLIC_NAME.test(called)) return NOTHING
      if (!isPlausible(found.value) || accept?.(found.value) === false) return NOTHING
      return [found.place]
    },
  }
}
