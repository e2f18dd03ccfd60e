import { inFile, mutationsOf } from './mutation.ts'

const channel = inFile('keyholder/identity/gate-channel.ts')
const told = inFile('keyholder/told-leaves.ts')
const gates = inFile('keyholder/gate-service.ts')
const identities = inFile('keyholder/identity/identities.ts')
const sessions = inFile('keyholder/open-sessions.ts')

const REVOKED = '    if (channel.isRevoked) throw revokedError(`gate ${channel.gate}`)\n'

export const IDENTITY_MUTATIONS = mutationsOf(
  'identity-conflicts',
  [
    'a session is spoken for by its own gate alone',
    channel('if (gate === this.gate) return undefined', 'if (gate !== null) return undefined'),
  ],
  [
    'who has spoken for the last time is not heard again',
    told(`${REVOKED}    // in this turn: what comes`, '    // in this turn: what comes'),
    gates(`${REVOKED}    // in this turn: what comes`, '    // in this turn: what comes'),
  ],
  ['a number comes once', channel('if (seq > last) {', 'if (seq > 0) {')],
  [
    'an outcome is signed',
    channel(
      "if (signature === null) return { wrong: 'is not signed' }",
      'if (signature === null) return []',
    ),
  ],
  [
    'a signature is of what is told',
    channel('if (!isSigned(key.key, message, value)) {', "if (value === '') {"),
  ],
  [
    'an outcome is signed by the gate that tells it',
    channel('if (by !== key?.keyId)', "if (by === '' || key === undefined)"),
    channel('if (!isSigned(key.key, message, value)) {', "if (value === '') {"),
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
