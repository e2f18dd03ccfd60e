import { generateKeyPairSync, hash, sign } from 'node:crypto'
import type { LeafSigner } from '../../packages/sekisho/src/keyholder/log/leaf-text.ts'
import type { LeafInput } from '../../packages/sekisho/src/wire/leaves.ts'

export type Intent = Extract<LeafInput, { type: 'action.intent' }>

/**
 * As a gate makes them of an API call: 700 bytes, and 850 with its signature. Denied, so that every
 * leaf of a measurement can be of this size: an allowed one is followed by its outcome, which is
 * smaller.
 */
export function intentLeaf(session: string, id: string): Intent {
  return {
    type: 'action.intent',
    session,
    id,
    action: {
      kind: 'http.request',
      scheme: 'https',
      method: 'POST',
      host: 'api.github.com',
      port: 443,
      path: '/repos/acme/widgets/issues/1432/comments',
      query: 'per_page=100&state=open',
    },
    verdict: {
      kind: 'deny',
      rules: ['egress.github-api', 'cedar.acme.no-comments-by-night'],
      reason: 'comments are made between 06:00 and 22:00',
    },
    credentials: [],
    repeated: 0,
    generation: 3,
    facts: {
      user: 'alice',
      label: { integrity: 'untrusted', confidentiality: 'public' },
      effect: 'external',
      reversibility: 'reversible',
      consequence: 'low',
      bodyBytes: 1432,
      operation: 'github.comment',
    },
  }
}

export type BenchSession = { id: string; signer: LeafSigner }

/** Each with a key of its own. */
export function benchSessions(count: number): BenchSession[] {
  return Array.from({ length: count }, (_, n) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    return {
      id: `s-${String(n).padStart(20, '0')}`,
      signer: {
        keyId: hash('sha256', spki).slice(0, 32),
        sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
      },
    }
  })
}
