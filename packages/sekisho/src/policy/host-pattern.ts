import { canonicalHost, matchesHost } from '../core/host.ts'
import { printable, type Read } from './problem.ts'

/**
 * Suffixes under which strangers register names. A wildcard over one of them would let the agent
 * reach a host of its own choice. Not the whole public suffix list: a guard against a slip.
 */
const SHARED_SUFFIXES: ReadonlySet<string> = new Set([
  'amazonaws.com',
  's3.amazonaws.com',
  'appspot.com',
  'azureedge.net',
  'azurewebsites.net',
  'blob.core.windows.net',
  'blogspot.com',
  'cloudapp.azure.com',
  'cloudflare.net',
  'cloudfront.net',
  'compute.amazonaws.com',
  'core.windows.net',
  'deno.dev',
  'duckdns.org',
  'elasticbeanstalk.com',
  'execute-api.amazonaws.com',
  'firebaseapp.com',
  'firebaseio.com',
  'fly.dev',
  'github.io',
  'githubusercontent.com',
  'gitlab.io',
  'glitch.me',
  'googleapis.com',
  'herokuapp.com',
  'hf.space',
  'lambda-url.us-east-1.on.aws',
  'loca.lt',
  'netlify.app',
  'ngrok-free.app',
  'ngrok.app',
  'ngrok.io',
  'nip.io',
  'on.aws',
  'onrender.com',
  'pages.dev',
  'r2.dev',
  'railway.app',
  'repl.co',
  'replit.dev',
  'run.app',
  'sslip.io',
  'storage.googleapis.com',
  'supabase.co',
  'surge.sh',
  'trycloudflare.com',
  'ts.net',
  'vercel.app',
  'web.app',
  'windows.net',
  'workers.dev',
])

/** `co.uk`, `com.au`: a second level that a country's registry sells names under. */
const COUNTRY_SECOND_LEVEL = /^(?:ac|co|com|edu|gob|gov|ne|net|nom|or|org)\.[a-z]{2}$/

/** A canonical host name: lower case, ASCII, no trailing dot, not an address. */
export function readHost(text: string): Read<string> {
  if (text.startsWith('*')) {
    return { problem: `want one host name, not \`${printable(text)}\``, hint: 'name each host' }
  }
  return readName(text)
}

/** A host name, or `*.name` for every name below it and not itself. */
export function readHostPattern(text: string): Read<string> {
  if (!text.includes('*')) return readName(text)
  if (!text.startsWith('*.') || text.includes('*', 1)) {
    return {
      problem: `\`${printable(text)}\` is not a host pattern`,
      hint: 'write api.example.com, or *.example.com for every name below it',
    }
  }
  const suffix = text.slice(2)
  const read = readName(suffix)
  if ('problem' in read) return read
  if (isShared(suffix)) {
    return {
      problem: `\`${text}\` spans names that anyone can register`,
      hint: 'name the hosts, or a wildcard below a name that you trust',
    }
  }
  return { value: text }
}

function isShared(suffix: string): boolean {
  return !suffix.includes('.') || COUNTRY_SECOND_LEVEL.test(suffix) || SHARED_SUFFIXES.has(suffix)
}

function readName(text: string): Read<string> {
  const labels = text.split('.')
  if (isAddress(text, labels)) {
    return {
      problem: `\`${printable(text)}\` is an address; a session reaches names only`,
      hint: 'give it a name, and its address under `upstreams`',
    }
  }
  if (canonicalHost(text) === text) {
    if (text !== 'localhost' && !text.endsWith('.localhost')) return { value: text }
    return {
      problem: `\`${text}\` is the sandbox itself (RFC 6761 §6.3)`,
      hint: 'give the service a name, and its address under `upstreams`',
    }
  }
  return { problem: `\`${printable(text)}\` is not a host name`, hint: hintFor(text) }
}

/** As URL parsers see it: a last label that is a number makes the whole an IPv4 address. */
function isAddress(text: string, labels: readonly string[]): boolean {
  const last = labels.at(-1) === '' ? labels.at(-2) : labels.at(-1)
  return /^(?:\d+|0x[0-9a-f]*)$/i.test(last ?? '') || /^\[|:.*:/.test(text)
}

function hintFor(text: string): string {
  const bare = text
    .replace(/^[a-z+]+:\/\//i, '')
    .replace(/[:/?#].*$/, '')
    .replace(/\.$/, '')
    .toLowerCase()
  if (/[^\0-\x7f]/.test(text)) return 'write the name in its ASCII form (xn--…)'
  if (bare !== text && canonicalHost(bare) === bare) {
    return `did you mean \`${bare}\`?`
  }
  return 'write api.example.com'
}

/** Whether some host name is matched by both patterns. */
export function overlaps(a: string, b: string): boolean {
  if (a === b) return true
  if (a.startsWith('*.') && b.startsWith('*.')) {
    return a.endsWith(b.slice(1)) || b.endsWith(a.slice(1))
  }
  return matchesHost(a, b) || matchesHost(b, a)
}
