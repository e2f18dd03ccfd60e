import * as z from 'zod'
import { configInvalid, type Read } from './problem.ts'
import { text } from './text.ts'
import { readYaml } from './yaml-document.ts'

/** Who may release a quarantine: `operators.yaml` of the bundle. */
export type Operator = {
  name: string
  /** Ed25519 public key, 32 bytes (RFC 8032 §5.1.5) */
  key: Buffer
}

/** How many different operators a release takes. */
export const OPERATORS_TO_RELEASE = 2

const PREFIX = 'ed25519:'
const KEY_BYTES = 32

const OperatorsSchema = z.strictObject({
  version: z.literal(1),
  operators: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'want lower-case letters and digits'),
        key: text(readKey),
      }),
    )
    .max(64),
})

/**
 * @param path named in errors
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseOperators(source: string, path: string): readonly Operator[] {
  const document = readYaml(source, path)
  const parsed = OperatorsSchema.safeParse(document.value)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => ({
      ...document.positionOf(issue.path, 'value'),
      message: issue.message,
      hint: 'see docs/guides/containment.md',
    }))
    throw configInvalid(path, problems)
  }
  const { operators } = parsed.data
  operators.forEach(({ name, key }, i) => {
    const earlier = operators.slice(0, i)
    // one person under two names would release alone
    const double = earlier.some((other) => other.key.equals(key)) ? 'key' : undefined
    const what = earlier.some((other) => other.name === name) ? 'name' : double
    if (what === undefined) return
    throw configInvalid(path, [
      {
        ...document.positionOf(['operators', i, what], 'value'),
        message: `operators[${i}]: this ${what} is another operator's already`,
        hint: 'each operator has a name and a key of their own',
      },
    ])
  })
  return operators
}

/** As `operators.yaml` has it. */
export function writeKey(key: Uint8Array): string {
  return `${PREFIX}${Buffer.from(key).toString('base64')}`
}

/** `ed25519:` and a public key, as `operators.yaml` and `users.yaml` have it. */
export function readKey(input: string): Read<Buffer> {
  const hint = 'put the line here that `sekisho operator keygen` prints'
  if (!input.startsWith(PREFIX)) return { problem: `want ${PREFIX} and base64`, hint }
  const key = Buffer.from(input.slice(PREFIX.length), 'base64')
  if (key.length !== KEY_BYTES || writeKey(key) !== input) {
    return { problem: `want ${PREFIX} and ${KEY_BYTES} bytes as base64`, hint }
  }
  return { value: key }
}
