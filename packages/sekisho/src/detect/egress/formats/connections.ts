import type { Detector, Span } from '../detector.ts'
import { assigned } from './assigned.ts'
import { valueAfter } from './capture.ts'
import { isPlausible } from './plausible.ts'
import { NOTHING } from './token.ts'

/** RFC 3986 §3.2.1: user information, up to the host's first character. */
const USER_INFO =
  /[^\s:/?#@"'`<>\\{}$()]{0,64}:(?<value>[^\s/?#@"'`<>\\()]{3,128})@(?<host>[A-Za-z0-9.-]{1,63}|\[)/dy
const USER_INFO_BYTES = 258
/** Hosts of documentation and of the machine itself (RFC 2606, RFC 6761). */
const NO_REAL_HOST =
  /^(?:localhost|127\.|0\.0\.0\.0|.{0,63}(?:example\.(?:com|org|net)|\.(?:test|invalid|local|example)))/i
const MIN_STRONG = 8

const DATABASES = [
  'postgres://',
  'postgresql://',
  'mysql://',
  'mariadb://',
  'mongodb://',
  'mongodb+srv://',
  'redis://',
  'rediss://',
  'mssql://',
  'sqlserver://',
  'clickhouse://',
  'cockroachdb://',
  'neo4j+s://',
  'bolt://',
  'couchbase://',
]
const QUEUES = ['amqp://', 'amqps://', 'nats://', 'mqtt://', 'mqtts://', 'kafka://']
const FILES = [
  'ftp://',
  'ftps://',
  'sftp://',
  'smb://',
  'ldap://',
  'ldaps://',
  'smtp://',
  'smtps://',
  'ssh://',
]

const RFC3986 = 'https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1'

/** Passwords in addresses, and in what programs read to connect. */
export const CONNECTIONS: readonly Detector[] = [
  inAddress('database-url', DATABASES, isReal),
  inAddress('queue-url', QUEUES, isReal),
  inAddress('file-server-url', FILES, isReal),
  inAddress('web-url-password', ['http://', 'https://'], isReal),
  inAddress(
    'generic-url-password',
    [...DATABASES, ...QUEUES, ...FILES, 'http://', 'https://'],
    (password, host) => !isReal(password, host),
  ),
  ...assigned('https://docs.npmjs.com/cli/v11/configuring-npm/npmrc#auth-related-configuration', [
    ['npmrc-auth', ['_authtoken', ':_auth', ':_password'], '[A-Za-z0-9+/=_-]{20,200}'],
  ]),
  ...assigned('https://guides.rubyonrails.org/security.html#custom-credentials', [
    ['rails-secret', ['secret_key_base'], '[0-9a-f]{64,128}'],
    ['rails-master-key', ['rails_master_key'], '[0-9a-f]{32}'],
  ]),
  ...assigned('https://laravel.com/docs/encryption#configuration', [
    ['laravel-app-key', ['app_key'], 'base64:[A-Za-z0-9+/]{43}='],
  ]),
  {
    id: 'secret.ado-connection-string',
    class: 'secret-format',
    source:
      'https://learn.microsoft.com/en-us/dotnet/framework/data/adonet/connection-string-syntax',
    trigger: { kind: 'keyword', words: ['password=', 'pwd='] },
    window: { before: 300, after: 300 },
    match: connectionString,
  },
  {
    id: 'secret.netrc',
    class: 'secret-format',
    source: 'https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html',
    trigger: { kind: 'keyword', words: ['machine '] },
    window: { before: 0, after: 400 },
    match: valueAfter(
      /\S{1,100}\s{1,4}login\s{1,4}\S{1,100}\s{1,4}password\s{1,4}(?<value>[^\s"'`<>]{8,150})/dy,
      isStrong,
    ),
  },
  {
    id: 'secret.docker-config',
    class: 'secret-format',
    source: 'https://docs.docker.com/reference/cli/docker/login/#credential-stores',
    trigger: { kind: 'keyword', words: ['"auth"', '\\"auth\\"'] },
    window: { before: 0, after: 600 },
    match: valueAfter(/\s{0,4}:\s{0,4}\\?"(?<value>[A-Za-z0-9+/]{16,500}={0,2})\\?"/dy, isBasic),
  },
]

function inAddress(
  name: string,
  words: readonly string[],
  accept: (password: string, host: string) => boolean,
): Detector {
  return {
    id: `secret.${name}`,
    class: 'secret-format',
    source: RFC3986,
    trigger: { kind: 'keyword', words },
    window: { before: 0, after: USER_INFO_BYTES },
    match: valueAfter(USER_INFO, (password, group) => accept(password, group('host'))),
  }
}

function isReal(password: string, host: string): boolean {
  return isStrong(password) && !NO_REAL_HOST.test(host)
}

/** What a person or a machine chose to be a password, and not a word that stands for one. */
function isStrong(password: string): boolean {
  return (
    password.length >= MIN_STRONG &&
    /\d/.test(password) &&
    /[a-z]/i.test(password) &&
    !/[${}*]/.test(password) &&
    isPlausible(password)
  )
}

/** `user:password` in base64 (RFC 7617). */
function isBasic(encoded: string): boolean {
  const decoded = Buffer.from(encoded, 'base64').toString('latin1')
  const split = decoded.indexOf(':')
  return split > 0 && /^[\x21-\x7e]+$/.test(decoded) && isStrong(decoded.slice(split + 1))
}

const SERVER = /(?:server|data source|host|addr|address)\s{0,2}=/i
const PASSWORD_PART = /\s{0,2}(?<value>[^;"'`\s<>&]{8,128})(?=[;"'`\s]|$)/dy

const passwordPart = valueAfter(PASSWORD_PART, isStrong)

function connectionString(text: string, hit: Span): readonly Span[] {
  const from = Math.max(0, hit.start - 300)
  const line = text.slice(from, hit.end + 200)
  if (!SERVER.test(line) || !line.includes(';')) return NOTHING
  return passwordPart(text, hit)
}
