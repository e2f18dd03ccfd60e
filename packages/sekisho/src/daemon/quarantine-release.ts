import { SekishoError } from '../core/error.ts'
import { OPERATORS_TO_RELEASE, type Operator } from '../policy/operators.ts'
import { isSignedBy, keyDigest } from '../policy/signing-key.ts'
import {
  type QuarantineEntry,
  type ReleaseStatement,
  releaseBytes,
  type SignedRelease,
} from '../wire/quarantine.ts'

/** A consent that waits longer than this for the second one is to be thought over again. */
const MAX_CONSENT_MS = 24 * 3_600_000
/** What the operator's clock may be ahead of ours. */
const CLOCK_SKEW_MS = 5 * 60_000

/**
 * The entry with one more operator's consent, released when it is the second.
 *
 * Each signature is over this quarantine's id, its digests, the reason, its signer and its expiry:
 * it is good for nothing else. Both operators sign the same reason, so they agree on one thing.
 *
 * @param entry undefined: there is none of that id
 * @throws SekishoError PERMISSION_REQUIRED, SESSION_UNKNOWN
 */
export function agree(
  entry: QuarantineEntry | undefined,
  signed: SignedRelease,
  { operators, now }: { operators: readonly Operator[]; now: Date },
): QuarantineEntry {
  const { statement } = signed
  if (entry === undefined || entry.releasedAt !== null) throw notInForce(statement.quarantine)
  if (operators.length < OPERATORS_TO_RELEASE) throw tooFewOperators(operators.length)
  const operator = operators.find(({ key }) => keyDigest(key) === statement.key)
  if (operator === undefined) {
    throw denied('this key is no operator’s', 'its line is not in operators.yaml of the bundle')
  }
  const { signature } = signed
  if (!isSignedBy(operator.key, { bytes: releaseBytes(statement), signature })) {
    throw denied(
      'the signature is not over this statement',
      'run `sekisho quarantine release` again',
    )
  }
  checkSubject(entry, statement)
  checkExpiry(statement, now)
  const waiting = standing(entry, { operators, now })
  checkAgainst(waiting, operator, statement)
  const consents = [
    ...waiting,
    {
      operator: operator.name,
      key: statement.key,
      reason: statement.reason,
      expiresAt: statement.expiresAt,
    },
  ]
  const isReleased = consents.length >= OPERATORS_TO_RELEASE
  return { ...entry, consents, releasedAt: isReleased ? now.toISOString() : null }
}

/** Consents that still count: not expired, and of keys that are still operators'. */
function standing(
  { consents }: QuarantineEntry,
  { operators, now }: { operators: readonly Operator[]; now: Date },
): QuarantineEntry['consents'] {
  const keys = new Set(operators.map(({ key }) => keyDigest(key)))
  return consents.filter(
    ({ key, expiresAt }) => keys.has(key) && Date.parse(expiresAt) > now.getTime(),
  )
}

function checkSubject(entry: QuarantineEntry, statement: ReleaseStatement): void {
  const isSame =
    entry.agent === statement.agent &&
    entry.configuration === statement.configuration &&
    entry.image === statement.image
  if (!isSame) throw denied('the statement names another agent or image than the quarantine')
}

function checkExpiry({ expiresAt }: ReleaseStatement, now: Date): void {
  const leftMs = Date.parse(expiresAt) - now.getTime()
  if (leftMs <= 0) throw denied(`the signature expired at ${expiresAt}`, 'sign again')
  if (leftMs > MAX_CONSENT_MS + CLOCK_SKEW_MS) {
    throw denied('the signature is valid for more than a day', 'look at the clock and sign again')
  }
}

function checkAgainst(
  waiting: QuarantineEntry['consents'],
  operator: Operator,
  statement: ReleaseStatement,
): void {
  const [first] = waiting
  if (first === undefined) return
  if (first.key === statement.key || first.operator === operator.name) {
    throw denied(`${operator.name} has agreed already`, 'a different operator must agree too')
  }
  if (first.reason === statement.reason) return
  throw denied(
    `${first.operator} agreed for another reason: ${first.reason}`,
    'leave out --reason to agree with it',
  )
}

function notInForce(id: string): SekishoError {
  return new SekishoError('SESSION_UNKNOWN', `no quarantine ${id} is in force`, {
    hint: 'run `sekisho quarantine list`',
  })
}

function tooFewOperators(count: number): SekishoError {
  return denied(
    `a release takes two operators, and operators.yaml of the bundle names ${count}`,
    'each operator runs `sekisho operator keygen` and adds the line that it prints to operators.yaml',
  )
}

function denied(message: string, hint?: string): SekishoError {
  return new SekishoError('PERMISSION_REQUIRED', message, { hint })
}
