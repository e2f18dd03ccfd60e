import { EXTRA_MOUNT_ROOTS } from '../core/mount-roots.ts'
import { suggest } from './nearest.ts'
import { printable, type Read } from './problem.ts'

/** Readers of single values of an agent file. */

export type SecretSource = { kind: 'env'; variable: string } | { kind: 'file'; path: string }

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/** RFC 9110 §9, RFC 5789, WebDAV; CONNECT and TRACE are not for agents. */
const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'QUERY',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
]

/** Headers that frame or route a message; a credential there would change what is sent where. */
const FRAMING_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/** Host paths whose files are not data: they act on the machine. */
const UNSAFE_SOURCES = ['/proc', '/sys', '/dev', '/run', '/var/run']

export function readName(text: string): Read<string> {
  if (NAME.test(text)) return { value: text }
  return {
    problem: `\`${printable(text)}\` is not a name`,
    hint: 'use lower-case letters, digits and hyphens, at most 64',
  }
}

/** A day as `2027-01-31`: the Unix ms at which it is over, in UTC. */
export function readDay(text: string): Read<number> {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // Date takes 2027-02-31 for a day in March
  const isReal = Number.isFinite(startMs) && new Date(startMs).toISOString().startsWith(text)
  if (isReal) return { value: startMs + 86_400_000 }
  return { problem: `\`${printable(text)}\` is not a day`, hint: 'write a day as 2027-01-31' }
}

export function readRuleId(text: string): Read<string> {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(text)) {
    return {
      problem: `\`${printable(text)}\` is not a rule id`,
      hint: 'use lower-case letters, digits, dots, hyphens and underscores, at most 64',
    }
  }
  if (text !== 'default' && !/^(?:preset|invariant|tools)\./.test(text)) return { value: text }
  return { problem: `the rule id \`${text}\` belongs to the platform`, hint: 'choose another id' }
}

/** A method name, or `any`. */
export function readMethod(text: string): Read<string> {
  if (text === 'any' || METHODS.includes(text)) return { value: text }
  return {
    problem: `unknown method \`${printable(text)}\``,
    hint: suggest(text, [...METHODS, 'any'], `the methods are ${METHODS.join(', ')} and any`),
  }
}

export function readHeader(text: string): Read<string> {
  const name = text.toLowerCase()
  if (!/^[a-z0-9-]{1,64}$/.test(name)) {
    return { problem: `\`${printable(text)}\` is not a header name` }
  }
  if (!FRAMING_HEADERS.has(name) && !name.startsWith('proxy-')) return { value: name }
  return {
    problem: `the header \`${name}\` frames the message and cannot hold a secret`,
    hint: 'use the header that the service reads its key from, such as authorization',
  }
}

/** A region or a service, as they stand in what is signed. */
export function readAwsName(text: string): Read<string> {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) return { value: text }
  return { problem: `\`${printable(text)}\` is not a region or service of AWS` }
}

/** `env:NAME` or `file:/absolute/path` */
export function readSecretSource(text: string): Read<SecretSource> {
  const [, kind, rest = ''] = /^(env|file):(.*)$/s.exec(text) ?? []
  if (kind === 'env' && VARIABLE.test(rest)) return { value: { kind, variable: rest } }
  if (kind === 'file') {
    const path = readAbsolutePath(rest)
    return 'problem' in path ? path : { value: { kind, path: path.value } }
  }
  return {
    // The text is not repeated: it may be the secret itself.
    problem: 'a secret is a reference, not a value',
    hint: 'write env:NAME or file:/absolute/path',
  }
}

/** Environment names that may be set inside. */
export function readVariable(text: string): Read<string> {
  if (!VARIABLE.test(text)) return { problem: `\`${printable(text)}\` is not a variable name` }
  if (!isReservedVariable(text)) return { value: text }
  return {
    problem: `the variable \`${text}\` belongs to the platform`,
    hint: 'leave it out: it decides what runs or what is trusted inside the sandbox',
  }
}

const RESERVED = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'PWD',
  'IFS',
  'ENV',
  'BASH_ENV',
  'TMPDIR',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_PATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'GIT_SSL_NO_VERIFY',
  'CARGO_HTTP_CAINFO',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  '_JAVA_OPTIONS',
  'DENO_CERT',
  'AWS_CA_BUNDLE',
  'PYTHONSTARTUP',
  'PYTHONPATH',
  'PYTHONHOME',
  'PERL5OPT',
  'PERL5LIB',
  'RUBYOPT',
  'GLIBC_TUNABLES',
  'GCONV_PATH',
  'HOSTALIASES',
  'LOCALDOMAIN',
  'RES_OPTIONS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'FTP_PROXY',
])

/** What the sandbox sets itself, or what makes the loader, shell or runtime run other code. */
function isReservedVariable(name: string): boolean {
  const upper = name.toUpperCase()
  return RESERVED.has(upper) || /^(?:LD_|DYLD_|SEKISHO_|BASH_FUNC_)/.test(upper)
}

export function readMountSource(text: string): Read<string> {
  const path = readAbsolutePath(text)
  if ('problem' in path) return path
  if (text === '/' || isAtOrBelow(text, UNSAFE_SOURCES)) {
    return {
      problem: `\`${text}\` of the host cannot be mounted`,
      hint: 'mount a directory of data or tools',
    }
  }
  return path
}

export function readMountTarget(text: string): Read<string> {
  const path = readAbsolutePath(text)
  if ('problem' in path) return path
  if (!EXTRA_MOUNT_ROOTS.some((root) => text.startsWith(`${root}/`))) {
    return {
      problem: `nothing can be mounted at \`${text}\``,
      hint: `choose a path below ${EXTRA_MOUNT_ROOTS.join(', ')}, such as /opt/tools`,
    }
  }
  return path
}

/** Absolute and normal: one spelling for one file, so that checks cannot be walked around. */
export function readAbsolutePath(text: string): Read<string> {
  const shown = printable(text)
  if (!text.startsWith('/')) return { problem: `\`${shown}\` is not an absolute path` }
  const parts = text.slice(1).split('/')
  const normal = text === '/' || parts.every((part) => !['', '.', '..'].includes(part))
  if (normal && text.length < 4096 && !text.includes('\0')) return { value: text }
  return {
    problem: `\`${shown}\` is not a normal path`,
    hint: 'leave out //, . and .. and a last /',
  }
}

/** @param paths normal absolute paths */
export function isAtOrBelow(path: string, paths: readonly string[]): boolean {
  return paths.some((parent) => path === parent || path.startsWith(`${parent}/`))
}

/** A path below the workspace, as `git` shows it: relative, normal, without a trailing slash. */
export function readWorkspacePath(text: string): Read<string> {
  const parts = text.split('/')
  const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (plain && !text.includes('\0') && text.length <= 1024) return { value: text }
  return {
    problem: `\`${printable(text)}\` is not a path below the workspace`,
    hint: 'write it relative and without . or .., such as .claude',
  }
}
