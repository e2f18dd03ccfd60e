import { inFile, mutationsOf } from './mutation.ts'

const signature = inFile('gate/aws-signature.ts')
const placeholders = inFile('gate/placeholders.ts')
const keys = inFile('keyholder/aws-keys.ts')

export const AWS_MUTATIONS = mutationsOf(
  'aws-signatures',
  [
    'whoever signs does it with a key of the session',
    signature('if (read?.id !== key.id.placeholder) {', 'if (read?.id === undefined) {'),
  ],
  [
    'what signs is for what it is bound to',
    signature('if (sayScope(read) === wanted) return', "if (sayScope(read) !== '') return"),
  ],
  [
    'a session token is of the session',
    signature(
      'tokens.some((token) => token !== key.token) || tokens.length > 1',
      'tokens.length > 9',
    ),
  ],
  ['a request has one signature', signature('if (more.length > 0)', 'if (more.length > 9)')],
  [
    'a signature stands in no URL',
    signature(
      "const parameter = keyParameter(action.query ?? '')",
      "const parameter = keyParameter('')",
    ),
  ],
  [
    'a signature stands in no form',
    placeholders('return inspectSignedBody(action, fields, content())', 'return undefined'),
  ],
  ['a body signs itself nowhere', signature('?? inspectPayload(action, fields)', '')],
  [
    'what leaves is what is signed',
    signature("hash('sha256', body ?? Buffer.alloc(0))", "hash('sha256', '')"),
  ],
  [
    'what leaves is signed anew',
    placeholders(
      'return signAnew({ action, fields: attached, body: body() }, key, values)',
      'return attached',
    ),
  ],
  [
    'a secret key is released to nobody',
    keys(
      "signingKey(key.reveal(), date.slice(0, 8), scope).toString('hex')",
      "Buffer.from(key.reveal().padEnd(32)).subarray(0, 32).toString('hex')",
    ),
  ],
)
