import { inFile, mutationsOf } from './mutation.ts'
import {
  HOST_UNREAD,
  DEFAULT_ALLOWS,
  UNRECORDED,
  NAME_UNREAD,
  NAME_MISSING,
  HELLO_UNREAD,
  PORT_OPEN,
  ANYWHERE,
} from './shared.ts'

const router = inFile('gate/connection-router.ts')
const hello = inFile('gate/client-hello.ts')
const names = inFile('gate/name-server.ts')
const host = inFile('core/host.ts')
const resolver = inFile('gate/resolver.ts')
const session = inFile('gate/session.ts')
const placeholders = inFile('gate/placeholders.ts')
const checkpoint = inFile('flow/checkpoint.ts')
const address = inFile('core/address.ts')

const NAMES_ALLOWED = names(
  "if (verdict.kind !== 'allow') return verdict",
  "if (verdict.kind !== 'allow') return { kind: 'allow', rules: ['off'] }",
)
const LITERAL_HAS_NAME = router(
  'context.names.nameOf(address) ?? null',
  "context.names.nameOf(address) ?? (address === RESOLVER_ADDRESS && port === 53 ? null : 'api.example.com')",
)
const PLACEHOLDER_IN_URL = placeholders("if (inUrl !== undefined) return misuse(inUrl, 'url')", '')
const STRAY_ALLOWED = placeholders(
  'if (stray !== undefined) return misuse(stray',
  'if (stray === null) return misuse(stray',
)
const BODY_UNREAD = placeholders('if (found === undefined) return undefined', 'return undefined')

export const CONNECTION_MUTATIONS = [
  ...mutationsOf(
    'tls-tricks',
    ['a hello has a name', NAME_MISSING],
    ['the name of a hello is compared with what was dialled', NAME_UNREAD],
    ['an encrypted hello is refused', router('if (hasEch) return', 'if (host === null) return')],
    [
      'a protocol that is spoken is offered',
      router(
        'if (wanted.some((name) => protocols.includes(name))) return undefined',
        'return undefined',
      ),
    ],
    ['a hello that cannot be read is refused and recorded', HELLO_UNREAD],
    ['no extension stands twice', hello('if (seen.has(type))', 'if (seen.has(-1))')],
    [
      'there is one server name',
      hello('if (type !== 0 || !list.atEnd || !data.atEnd)', 'if (type === -1)'),
    ],
    ['no byte is left over', hello('if (!body.atEnd)', 'if (body === undefined)')],
    ['records are handshakes', hello('if (bytes[at] !== HANDSHAKE_RECORD)', 'if (at < 0)')],
  ),
  ...mutationsOf(
    'ports-and-addresses',
    ['a port is open by rule', PORT_OPEN],
    ['a connection leads to a name', LITERAL_HAS_NAME],
    ['TLS is spoken at the port of https', HELLO_UNREAD],
    ['what no rule allows is denied', DEFAULT_ALLOWS],
    ['what the parser refuses is recorded', UNRECORDED],
  ),
  ...mutationsOf(
    'dns-tunnels',
    ['a name is allowed by rule', NAMES_ALLOWED],
    [
      'nobody outside is asked for a name',
      names(
        'this.#context.counters.dnsQueries += 1',
        "this.#context.counters.dnsQueries += 1\n    if (read.kind === 'query') void this.#context.ports.resolver.pin(read.query.name, 443).catch(() => 0)",
      ),
    ],
    ['a name is a host name', names('if (!asked.isName)', 'if (asked === null)')],
    ['a name is no address', host('if (/^(\\d+|0[xX][0-9a-fA-F]*)$/.test(', 'if (/^never$/.test(')],
    ['the class is IN', names('if (asked.query.class !== CLASS_IN)', 'if (asked === null)')],
    [
      'a denied name is recorded',
      names('const isRecorded = await this.#record(', 'const isRecorded = (() => true)('),
    ],
  ),
  ...mutationsOf(
    'ssrf',
    ['every address is classified', ANYWHERE],
    [
      'all answers are looked at',
      resolver(
        'for (const address of addresses) {',
        'for (const address of addresses.slice(0, 1)) {',
      ),
    ],
    [
      'IPv6 forms that embed IPv4 are told apart',
      address("?? (within(GLOBAL_UNICAST, address) ? 'public' : 'reserved')", "?? 'public'"),
      address("if (special !== undefined && special !== 'link-local') return special", ''),
    ],
    [
      'the address that was checked is dialled',
      resolver(
        'const known = this.#pins.get(host)',
        'const known = this.#pins.get(`${host} ${Math.random()}`)',
      ),
      ANYWHERE,
    ],
    [
      'a request whose name resolves badly is answered so',
      checkpoint(
        "if (pinned.kind === 'deny') {",
        "if (pinned.kind === 'pinned' && action === null) {",
      ),
    ],
  ),
  ...mutationsOf(
    'redirects',
    ['what no rule allows is denied', DEFAULT_ALLOWS],
    ['a name is allowed by rule', NAMES_ALLOWED],
    ['a name is a host name', names('if (!asked.isName)', 'if (asked === null)')],
    ['a connection leads to a name', LITERAL_HAS_NAME],
    ['a port is open by rule', PORT_OPEN],
    ['a credential stays at its host', PLACEHOLDER_IN_URL, STRAY_ALLOWED],
    ['Host is compared with what was dialled', HOST_UNREAD, STRAY_ALLOWED],
  ),
  ...mutationsOf(
    'credentials',
    ['placeholders are looked for in the URL', PLACEHOLDER_IN_URL],
    ['placeholders are looked for in fields', STRAY_ALLOWED],
    ['placeholders are looked for in bodies', BODY_UNREAD],
    [
      'every spelling of a placeholder is known',
      placeholders('spellings(credential.placeholder)', '[Buffer.from(credential.placeholder)]'),
    ],
    ['a credential is bound to a port', placeholders('credential.port === port && ', '')],
  ),
  ...mutationsOf('datagrams', [
    'a packet that no listener takes is recorded',
    session(
      'await this.#denials.record(action, verdict.kind',
      'await this.#denials.record.length; void (verdict.kind',
    ),
  ]),
]
