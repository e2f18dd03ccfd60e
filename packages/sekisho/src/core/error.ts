/** Every failure a user or operator can meet. Adding a code adds a row to docs/errors.md. */
export const ERRORS = {
  CONFIG_INVALID: { exit: 2, http: 500, retry: false },
  POLICY_REFUSED: { exit: 2, http: 409, retry: false },
  AGENT_UNKNOWN: { exit: 2, http: 404, retry: false },
  SECRET_MISSING: { exit: 2, http: 500, retry: false },
  WORKSPACE_INVALID: { exit: 2, http: 400, retry: false },
  WORKSPACE_BUSY: { exit: 75, http: 409, retry: true },
  ROOTFS_INVALID: { exit: 2, http: 400, retry: false },
  IMAGE_UNKNOWN: { exit: 2, http: 404, retry: false },
  SNAPSHOT_INVALID: { exit: 2, http: 409, retry: false },
  USAGE: { exit: 64, http: 400, retry: false },
  SESSION_UNKNOWN: { exit: 2, http: 404, retry: false },
  PERMISSION_REQUIRED: { exit: 77, http: 403, retry: false },
  DEPENDENCY_MISSING: { exit: 3, http: 503, retry: false },
  HOST_UNSUPPORTED: { exit: 3, http: 503, retry: false },
  QUARANTINED: { exit: 3, http: 403, retry: false },
  SETUP_FAILED: { exit: 3, http: 409, retry: false },
  SANDBOX_FAILED: { exit: 3, http: 503, retry: true },
  ROOT_KEY_UNUSABLE: { exit: 3, http: 503, retry: false },
  ATTESTATION_FAILED: { exit: 3, http: 503, retry: false },
  DAEMON_UNREACHABLE: { exit: 4, http: 503, retry: true },
  DAEMON_RUNNING: { exit: 4, http: 409, retry: false },
  POLICY_CHANGED: { exit: 4, http: 409, retry: true },
  HOLD_UNKNOWN: { exit: 2, http: 404, retry: false },
  LEAF_UNKNOWN: { exit: 2, http: 404, retry: false },
  APPROVAL_REFUSED: { exit: 3, http: 409, retry: false },
  PEER_UNAVAILABLE: { exit: 4, http: 503, retry: true },
  PROTOCOL_VIOLATION: { exit: 4, http: 502, retry: false },
  TIMEOUT: { exit: 4, http: 504, retry: true },
  UPSTREAM_FAILED: { exit: 4, http: 502, retry: true },
  LOG_UNWRITABLE: { exit: 5, http: 503, retry: true },
  CONTENT_UNKEPT: { exit: 5, http: 507, retry: false },
  CONTENT_LOST: { exit: 1, http: 410, retry: false },
  LOG_BROKEN: { exit: 1, http: 500, retry: false },
  IDENTITY_CONFLICT: { exit: 3, http: 409, retry: false },
  IDENTITY_REVOKED: { exit: 3, http: 403, retry: false },
  IDENTITY_REFUSED: { exit: 3, http: 409, retry: false },
  IDENTITY_UNAVAILABLE: { exit: 4, http: 503, retry: true },
  INTERNAL: { exit: 70, http: 500, retry: false },
} as const

export type ErrorCode = keyof typeof ERRORS

type Details = { hint?: string | undefined; cause?: unknown }

/** Something broke. A denied action is not an error: it is a {@link Verdict}. */
export class SekishoError extends Error {
  override readonly name = 'SekishoError'
  readonly code: ErrorCode
  /** what the reader should do next, one imperative sentence */
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, { hint, cause }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
  }
}

/** Wraps what is not ours yet; ours passes unchanged. */
export function toSekishoError(thrown: unknown, code: ErrorCode = 'INTERNAL'): SekishoError {
  if (thrown instanceof SekishoError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new SekishoError(code, message, { cause: thrown })
}
