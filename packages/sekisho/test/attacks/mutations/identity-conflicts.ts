import { inFile, mutationsOf } from './mutation.ts'

const channel = inFile('keyholder/identity/gate-channel.ts')
const gates = inFile('keyholder/gate-service.ts')
const identities = inFile('keyholder/identity/identities.ts')
const sessions = inFile('keyholder/open-sessions.ts')

export const IDENTITY_MUTATIONS = mutationsOf(
  'identity-conflicts',
  [
    'a session is spoken for by its own gate alone',
    gates('if (gate === channel.gate) return undefined', 'if (gate !== null) return undefined'),
  ],
  ['a number comes once', channel('if (seq > last) {', 'if (seq > 0) {')],
  [
    'an outcome is signed',
    channel(
      "if (claim === undefined) return bad('is not signed')",
      'if (claim === undefined) return undefined',
    ),
  ],
  [
    'a signature is of what is told',
    channel(
      'const bytes = claimBytes(canonicalJson(leaf))',
      "if (claim.value !== '') return undefined\n    const bytes = claimBytes(canonicalJson(leaf))",
    ),
  ],
  [
    'an outcome is signed by the gate that tells it',
    channel(
      'if (claim.by !== this.#key?.keyId)',
      "if (claim.by === '' || this.#key === undefined)",
    ),
    channel('return isSigned(this.#key.key, bytes, claim.value)', 'return bytes.length > 0'),
  ],
  [
    'whoever wants a key certified has it',
    channel(
      'if (!isSigned(key.key, gateKeyBytes(asked.spki), asked.proof)) {',
      "if (asked.proof === '') {",
    ),
  ],
  [
    'a second key is vouched for by the first',
    channel('endorsed?.by === before.keyId &&', 'endorsed?.by === before.keyId ||'),
  ],
  [
    'a key has one owner',
    identities('if (this.used.has(keyId)) return false', "if (keyId === '') return false"),
  ],
  [
    'an id is open once',
    sessions(
      'if (this.#sessions.has(id) || this.#resuming.has(id)) {',
      'if (this.#resuming.has(id)) {',
    ),
  ],
  [
    'an id is resumed once',
    sessions(
      'if (this.#sessions.has(id) || this.#resuming.has(id)) {',
      'if (this.#sessions.has(id)) {',
    ),
  ],
  [
    'an id begins once',
    sessions(
      'if (this.#sessions.has(id) || this.#resuming.has(id)) {',
      'if (this.#resuming.has(id)) {',
    ),
    sessions(
      'if (leaf === null || !this.#parts.identities.used.has(id)) return undefined',
      "if (leaf === null || id !== '') return undefined",
    ),
  ],
  [
    'an id begins once, for ever',
    sessions(
      'if (leaf === null || !this.#parts.identities.used.has(id)) return undefined',
      "if (leaf === null || id !== '') return undefined",
    ),
  ],
)
