import { inFile, mutationsOf } from './mutation.ts'
import {
  HOST_UNREAD,
  METHOD_UNREAD,
  OVERRIDES_UNREAD,
  DEFAULT_ALLOWS,
  UNRECORDED,
  NAME_UNREAD,
  NAME_MISSING,
  HELLO_UNREAD,
  PORT_OPEN,
  ANYWHERE,
  URL_UNREAD,
  FIELDS_UNREAD,
  FINDINGS_IGNORED,
  BREAK_IGNORED,
} from './shared.ts'

const front = inFile('gate/http-front.ts')
const proxy = inFile('gate/proxy-target.ts')
const router = inFile('gate/connection-router.ts')
const head = inFile('gate/http-head.ts')
const rules = inFile('policy/network-policy.ts')
const policy = inFile('policy/compile.ts')
const relay = inFile('gate/tcp-relay.ts')
const socket = inFile('gate/websocket/exchange.ts')
const frames = inFile('gate/websocket/frames.ts')
const handshake = inFile('gate/websocket/head.ts')
const http2 = inFile('gate/http2-front.ts')
const http2Head = inFile('gate/http2-head.ts')
const path = inFile('core/url-path.ts')
const reading = inFile('policy/path-reading.ts')

export const PROTOCOL_MUTATIONS = [
  ...mutationsOf(
    'explicit-proxy',
    [
      'a tunnel is decided',
      front(
        "read.kind === 'read' ? this.#context.ports.decide(read.action) : read.by",
        "read.kind === 'read' ? ({ kind: 'allow', rules: [] } as const) : read.by",
      ),
    ],
    [
      'a tunnel leads to a name',
      proxy('const host = canonicalHost(name)\n', 'const host = name\n'),
    ],
    [
      'a literal address is told apart',
      proxy('return isLiteral(head.target)', "return isLiteral('')"),
    ],
    [
      'Host is where the tunnel leads',
      proxy('hosts.find((value) => !isSame(value, to))', "hosts.find((value) => value === 'none')"),
    ],
    [
      'a tunnel has one Host',
      proxy('if (hosts.length === 1) return undefined', 'return undefined'),
    ],
    [
      'a tunnel brings no body',
      proxy('.find((name) => values(name).length > 0)', '.find((name) => values(name).length > 9)'),
    ],
    [
      'a tunnel leads to one name and port',
      proxy(
        'const to = readAuthority(head.target)',
        "const to = readAuthority(head.target) ?? { host: 'api.example.com', port: 443 }",
      ),
    ],
    [
      'the proxy is asked for http alone',
      proxy('/^http:', '/^https?:'),
      head('if (scheme.toLowerCase() !== route.scheme)', "if (scheme === 'none')"),
    ],
    [
      'the version of a tunnel is 1.1',
      proxy("if (head.httpVersion !== '1.1')", "if (head.httpVersion === 'none')"),
    ],
    ['the name of a hello in a tunnel is compared', NAME_UNREAD],
    ['a hello in a tunnel has a name', NAME_MISSING],
    ['a hello in a tunnel is read', HELLO_UNREAD],
    ['Host is compared with the target', HOST_UNREAD],
    ['what no rule allows is denied', DEFAULT_ALLOWS],
    ['every address is classified', ANYWHERE],
    ['methods that tunnel or echo are refused', METHOD_UNREAD],
    ['what the parser refuses is recorded', UNRECORDED],
  ),
  ...mutationsOf(
    'tcp-streams',
    ['streams are looked at', relay('stream?.look(piece)', '')],
    [
      'the hello of TLS that is passed through is read',
      router("if (scheme === 'tls' && !(await", 'if (socket === null && !(await'),
    ],
    ['every address is classified', ANYWHERE],
    ['a port is open by rule', PORT_OPEN],
  ),
  ...mutationsOf(
    'websocket-messages',
    ['messages are looked at', socket('stream.lookAtMessage(payload)', '')],
    [
      'a message is looked at by itself',
      socket('stream.lookAtMessage(payload)', 'stream.look(payload)'),
    ],
    ['a handshake is read', handshake('if (problem !== undefined) {', 'if (problem === null) {')],
    [
      'a rule grants a WebSocket',
      rules("action.upgrade === undefined ? 'allows' : 'sockets'", "'allows'"),
    ],
    ['text is UTF-8', frames("if (type === 'text' && !isUtf8(whole))", 'if (type === null)')],
    [
      'a length has one form',
      frames(
        "if (value < 126) throw new FrameError('a length in a longer form than it needs')",
        '',
      ),
    ],
    ['reserved bits are refused', frames('if ((first & 0x70) !== 0)', 'if (first > 999)')],
    [
      'frames are masked',
      frames('if (((second & 0x80) !== 0) !== this.#isMasked)', 'if (second > 999)'),
    ],
    [
      'opcodes are known',
      frames('if (opcode > OPCODE.pong)', 'if (opcode > 99)'),
      frames('if (opcode > OPCODE.binary)', 'if (opcode > 99)'),
    ],
    [
      'fragments are in order',
      frames('if ((opcode === OPCODE.continuation) !== isStarted)', 'if (opcode > 99)'),
    ],
    [
      'control frames are short and whole',
      frames('if (!isFinal || length > MAX_CONTROL_BYTES)', 'if (length > 999)'),
    ],
    [
      'a message has a size',
      frames('if (this.#held + length > this.#maxMessageBytes)', 'if (length < 0)'),
    ],
    ['Host is compared with what was dialled', HOST_UNREAD],
    ['the URL is looked at', ...URL_UNREAD],
    ['fields are looked at', FIELDS_UNREAD],
    ['what no rule allows is denied', DEFAULT_ALLOWS],
  ),
  ...mutationsOf(
    'expired-rules',
    [
      'a rule ends on its day',
      policy('nowMs >= expiryOf(rule)', 'nowMs < 0 && nowMs >= expiryOf(rule)'),
    ],
    [
      'a deny rule does not end',
      policy(
        "effect === 'deny' ? Number.POSITIVE_INFINITY : (",
        "effect === 'none' ? Number.POSITIVE_INFINITY : (",
      ),
    ],
  ),
  ...mutationsOf(
    'http2',
    [':authority is compared with what was dialled', HOST_UNREAD],
    [
      'the scheme is compared',
      http2Head("if (pseudo.get(':scheme') !== scheme)", 'if (scheme === null)'),
    ],
    [
      'host is compared with :authority',
      http2Head('if (fields[index + 1] !== authority)', 'if (authority === null)'),
    ],
    [
      'another name for the host is the host',
      head(
        'if (HOST_OVERRIDES.has(withHyphens(name))) return',
        "if (HOST_OVERRIDES.has('')) return",
      ),
    ],
    [
      'dot segments are found in every disguise',
      path(
        'if (path === undefined || hasDotSegment(path)) return undefined',
        'if (path === undefined) return raw',
      ),
      path('if (!/^\\/(?!\\/)[', "if (raw === '' && !/^\\/(?!\\/)["),
      reading("path.includes('/.')", "path.includes('/.none')"),
    ],
    ['what no rule allows is denied', DEFAULT_ALLOWS],
    ['overrides are refused', OVERRIDES_UNREAD],
    ['the URL is looked at', ...URL_UNREAD],
    ['fields are looked at', FIELDS_UNREAD],
    [
      'methods that tunnel or echo are refused',
      METHOD_UNREAD,
      http2Head(
        "if (pseudo.get(':method') === 'CONNECT')",
        "if (pseudo.get(':method') === 'NONE')",
      ),
    ],
    [
      'what the parser resets is recorded',
      http2(
        "void this.#deny(channel.connect, deny('invariant.http-malformed', reason))",
        'void reason',
      ),
    ],
    [
      'pseudo-header fields are all there',
      http2Head(
        'for (const name of PSEUDO) if (!pseudo.has(name)) return',
        'for (const name of PSEUDO) if (!pseudo.has(name) && scheme === null) return',
      ),
    ],
    [
      'GET has no body',
      head('if (hasBody && BODILESS_METHODS.has(head.method))', 'if (hasBody && head === null)'),
    ],
    ['what is found stops a body', FINDINGS_IGNORED],
    ['a body that breaks off does not leave', BREAK_IGNORED],
    [
      'trailers are refused',
      http2("stream.once('trailers', () => this.#refuseTrailers(channel, stream))", ''),
    ],
  ),
  ...mutationsOf(
    'http2-abuse',
    [
      'frames that carry nothing are counted',
      http2('if (!budget.incoming(frame))', 'if (budget === null)'),
    ],
    [
      'floods are recorded, whoever of two notices',
      http2('if (!budget.incoming(frame))', 'if (budget === null)'),
      http2('if (channel.isOver || !isByAgent(error)) return', 'return'),
    ],
    [
      'what breaks a connection off is recorded',
      http2('if (channel.isOver || !isByAgent(error)) return', 'return'),
    ],
  ),
]
