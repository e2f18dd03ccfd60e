/** Values that were drawn by chance for these tests and open nothing; put together at run time. */
export type Row = { id: string; what: string; text: string; found: readonly string[] }

const drawn = {
  hex40: ['9f2c41d7e0', 'b86a35c2f1', '7d4e90b3a8', '5c16f2e7d9'].join(''),
  base64: ['k7Qz/9tVb2Lx', 'R4mWc8Yh+Ns1', 'Pd6GjE3uFa0T', 'oZiX'].join(''),
  base64url: ['k7Qz-9tVb2Lx', 'R4mWc8Yh_Ns1', 'Pd6GjE3uFa0T', 'oZiX5vBq'].join(''),
}
/** 512 characters of base64, ended like DER or not at all. */
const body = Array.from({ length: 13 }, (_, i) => rotated(drawn.base64, i * 3)).join('')

function rotated(text: string, by: number): string {
  return text.slice(by % text.length) + text.slice(0, by % text.length)
}

const begin = (label: string): string => `-----BEGIN ${label}-----`
const end = (label: string): string => `-----END ${label}-----`
const wrapped = (text: string, lineEnd: string): string =>
  text.replace(/.{64}/g, (line) => `${line}${lineEnd}`)

/** What is found reaches from the header to the dashes of the footer. */
function armoured(
  label: string,
  first: string,
  lineEnd: string,
): { text: string; found: string[] } {
  const key = `${begin(label)}${lineEnd}${wrapped(first + body, lineEnd)}${lineEnd}`
  return { text: `x ${key}${end(label)} y`, found: [key] }
}

const PEM: readonly [id: string, label: string, first: string][] = [
  ['private-key-pkcs8', 'PRIVATE KEY', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
  ['private-key-encrypted', 'ENCRYPTED PRIVATE KEY', 'MIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkq'],
  ['private-key-rsa', 'RSA PRIVATE KEY', 'MIIEowIBAAKCAQEA'],
  ['private-key-ec', 'EC PRIVATE KEY', 'MHcCAQEEI'],
  ['private-key-dsa', 'DSA PRIVATE KEY', 'MIIBugIBAAKBgQD'],
  ['private-key-openssh', 'OPENSSH PRIVATE KEY', 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE'],
  ['private-key-pgp', 'PGP PRIVATE KEY BLOCK', 'lQOYBF'],
  ['private-key-cosign', 'ENCRYPTED COSIGN PRIVATE KEY', 'eyJrZGYi'],
  ['private-key-sigstore', 'ENCRYPTED SIGSTORE PRIVATE KEY', 'eyJrZGYi'],
]

const PRIVATE_KEY_ROWS: readonly Row[] = [
  ...PEM.flatMap(([id, label, first]) => [
    { id, what: 'a key in a file', ...armoured(label, first, '\n') },
    { id, what: 'a key in JSON', ...armoured(label, first, '\\n') },
    { id, what: 'a key on Windows', ...armoured(label, first, '\r\n') },
    { id, what: 'a mention', text: `${begin(label)} and ${end(label)}`, found: [] },
    { id, what: 'an ellipsis', text: `${begin(label)}\n${first}...\n${end(label)}`, found: [] },
    {
      id,
      what: 'a body of one letter',
      text: `${begin(label)}\n${first}${'A'.repeat(400)}\n${end(label)}`,
      found: [],
    },
  ]),
  {
    id: 'private-key-rsa',
    what: 'a key under a passphrase, with header fields',
    text: `${begin('RSA PRIVATE KEY')}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n${body}\n`,
    found: [
      `${begin('RSA PRIVATE KEY')}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n${body}\n`,
    ],
  },
  {
    id: 'private-key-pkcs8',
    what: 'a body that is no DER',
    text: `${begin('PRIVATE KEY')}\n${wrapped(body, '\n')}\n`,
    found: [],
  },
  {
    id: 'private-key-ssh2',
    what: 'a key of the SSH company',
    text: `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n${body}\n---- END SSH2`,
    found: [`---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n${body}\n`],
  },
  {
    id: 'private-key-ssh2',
    what: 'a mention',
    text: '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n---- END SSH2',
    found: [],
  },
  {
    id: 'private-key-putty',
    what: 'a key file',
    text: `Private-Lines: 2\n${body.slice(0, 64)}\n${body.slice(64, 100)}\nPrivate-MAC: 00`,
    found: [`Private-Lines: 2\n${body.slice(0, 64)}\n${body.slice(64, 100)}`],
  },
  { id: 'private-key-putty', what: 'a description', text: 'Private-Lines: count', found: [] },
  {
    id: 'private-jwk',
    what: 'a private exponent',
    text: `{"kty":"RSA","n":"${drawn.hex40}","d": "${drawn.base64url}"}`,
    found: [drawn.base64url],
  },
  {
    id: 'private-jwk',
    what: 'a symmetric key, escaped',
    text: `{\\"k\\":\\"${drawn.base64url}\\",\\"kty\\":\\"oct\\"}`,
    found: [drawn.base64url],
  },
  {
    id: 'private-jwk',
    what: 'a public key',
    text: `{"kty":"EC","x":"${drawn.base64url}","y":"${drawn.base64url}"} {"d":"${drawn.base64url}"}`,
    found: [],
  },
]

const keyId = ['AKIA', 'Q7Z3MNB5', 'XK2LTWYR'].join('')
const secretKey = ['k7Qz/9tVb2Lx', 'R4mWc8Yh+Ns1', 'Pd6GjE3uFa0Tos5v'].join('')

const AWS_ROWS: readonly Row[] = [
  {
    id: 'aws-key-pair',
    what: 'an id and its key',
    text: `id=${keyId}\nkey: ${secretKey}\n`,
    found: [keyId, secretKey],
  },
  {
    id: 'aws-key-pair',
    what: 'the documentation’s id',
    text: `AKIAIOSFODNN7EXAMPLE ${secretKey}`,
    found: [],
  },
  { id: 'aws-key-pair', what: 'an id alone', text: `id=${keyId} at ${drawn.hex40}`, found: [] },
  { id: 'generic-aws-key-id', what: 'an id alone', text: `id=${keyId}`, found: [keyId] },
  { id: 'generic-aws-key-id', what: 'a longer word', text: `${keyId}S`, found: [] },
]

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const signed = (header: object, claims: object): string =>
  `${part(header)}.${part(claims)}.${drawn.base64url}`
const session = signed({ alg: 'ES256', typ: 'JWT' }, { sub: 'session-4711', iat: 1_763_000_000 })

const JWT_ROWS: readonly Row[] = [
  { id: 'jwt', what: 'a signed token', text: `Bearer ${session},`, found: [session] },
  {
    id: 'jwt',
    what: 'the token of jwt.io',
    text: signed({ alg: 'HS256' }, { sub: '1234567890', name: 'John Doe' }),
    found: [],
  },
  { id: 'jwt', what: 'no algorithm', text: signed({ typ: 'JWT' }, { sub: 'session' }), found: [] },
  {
    id: 'jwt',
    what: 'no JSON',
    text: `eyJ${'a1b2'.repeat(9)}.eyJ${drawn.hex40}.${drawn.hex40}`,
    found: [],
  },
]

const password = ['vT7q', 'Lm2x', '9Rb'].join('')
const ADDRESSES: readonly [id: string, scheme: string][] = [
  ['database-url', 'postgresql'],
  ['database-url', 'mongodb+srv'],
  ['queue-url', 'amqps'],
  ['file-server-url', 'sftp'],
  ['web-url-password', 'https'],
]

const CONNECTION_ROWS: readonly Row[] = [
  ...ADDRESSES.flatMap(([id, scheme]) => [
    {
      id,
      what: `${scheme} with a password`,
      text: `${scheme}://bob:${password}@db.corp.io/x`,
      found: [password],
    },
    {
      id,
      what: `${scheme} with a word`,
      text: `${scheme}://user:password@db.corp.io/x`,
      found: [],
    },
    { id, what: `${scheme} at home`, text: `${scheme}://bob:${password}@localhost/x`, found: [] },
    {
      id,
      what: `${scheme} with a variable`,
      text: `${scheme}://bob:\${PASS1WORD}@db.corp.io/`,
      found: [],
    },
    { id, what: `${scheme} without a user`, text: `${scheme}://db.corp.io:5432/a@b`, found: [] },
  ]),
  {
    id: 'generic-url-password',
    what: 'a word',
    text: 'redis://user:hunter@db.corp.io/',
    found: ['hunter'],
  },
  {
    id: 'generic-url-password',
    what: 'a password',
    text: `redis://u:${password}@db.corp.io/`,
    found: [],
  },
  {
    id: 'ado-connection-string',
    what: 'a server and a password',
    text: `Server=db.corp.io;User Id=sa;Password=${password};`,
    found: [password],
  },
  { id: 'ado-connection-string', what: 'no server', text: `a=1;Password=${password};`, found: [] },
  {
    id: 'ado-connection-string',
    what: 'a word',
    text: 'Server=db.corp.io;Password=mypassword;',
    found: [],
  },
  {
    id: 'netrc',
    what: 'an entry',
    text: `machine api.corp.io\n  login bob\n  password ${password}\n`,
    found: [password],
  },
  {
    id: 'netrc',
    what: 'an explanation',
    text: 'machine name login name password string',
    found: [],
  },
  {
    id: 'docker-config',
    what: 'an entry',
    text: `{"auth": "${btoa(`bob:${password}`)}"}`,
    found: [btoa(`bob:${password}`)],
  },
  {
    id: 'docker-config',
    what: 'no user',
    text: `{"auth": "${btoa(`${password}${password}`)}"}`,
    found: [],
  },
]

const GENERIC_ROWS: readonly Row[] = [
  {
    id: 'generic-bearer',
    what: 'a token',
    text: `authorization: Bearer ${drawn.hex40}\r\n`,
    found: [drawn.hex40],
  },
  {
    id: 'generic-bearer',
    what: 'a description',
    text: 'the bearer token_type_of_rfc6750 is',
    found: [],
  },
  {
    id: 'generic-basic-auth',
    what: 'a user and a password',
    text: `Authorization: Basic ${btoa(`bob:${password}`)}`,
    found: [btoa(`bob:${password}`)],
  },
  { id: 'generic-basic-auth', what: 'a word', text: 'basic understandingofthings', found: [] },
  {
    id: 'generic-password-hash',
    what: 'bcrypt',
    text: `x:$2b$12$${drawn.base64url.replace(/[-_]/g, '.')}Qr5tG7kH3w`.slice(0, 62),
    found: [`$2b$12$${drawn.base64url.replace(/[-_]/g, '.')}Qr5tG7kH3w`.slice(0, 60)],
  },
  { id: 'generic-password-hash', what: 'a price', text: 'costs $5$ or $6$ a piece', found: [] },
]

export const HANDMADE: readonly Row[] = [
  ...PRIVATE_KEY_ROWS,
  ...AWS_ROWS,
  ...JWT_ROWS,
  ...CONNECTION_ROWS,
  ...GENERIC_ROWS,
].map((row) => ({ ...row, id: `secret.${row.id}` }))
