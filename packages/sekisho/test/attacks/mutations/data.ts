import { inFile, mutationsOf } from './mutation.ts'
import {
  DEFAULT_ALLOWS,
  URL_UNREAD,
  FIELDS_UNREAD,
  FINDINGS_IGNORED,
  BREAK_IGNORED,
} from './shared.ts'

const outgoing = inFile('gate/outgoing-body.ts')
const reading = inFile('gate/inspection/body-reading.ts')
const decoder = inFile('gate/reply-decoder.ts')
const views = inFile('detect/egress/views/all.ts')
const memory = inFile('gate/inspection/body-memory.ts')
const detection = inFile('gate/inspection/detection.ts')
const exchange = inFile('gate/http-exchange.ts')
const provenance = inFile('policy/provenance/provenance-state.ts')
const budget = inFile('policy/provenance/budget-ledger.ts')
const judge = inFile('detect/packages/judge-install.ts')
const firewall = inFile('gate/packages/package-firewall.ts')
const grpc = inFile('gate/grpc-message-look.ts')

const NOTHING = '{ push: () => [], end: () => [] }'
const withoutView = (name: string, view: string): ReturnType<typeof views> =>
  views(`{ name: '${name}', view: new ${view} },`, '')

export const DATA_MUTATIONS = [
  ...mutationsOf(
    'exfiltration',
    ['URLs are looked at', ...URL_UNREAD],
    ['fields are looked at', FIELDS_UNREAD],
    [
      'bodies are looked at',
      outgoing('const scan = inspector.scanBody(contentType)', `const scan = ${NOTHING}`),
    ],
    ['the coding of a body is undone', reading("(coding ?? 'identity')", "'identity'")],
    ['base64 is undone', withoutView('base64', 'RunsView(BASE64)')],
    ['hexadecimal is undone', withoutView('hex', 'RunsView(HEX)')],
    ['UTF-16 is undone', withoutView('utf16', 'InterleavedView()')],
    [
      'escapes are undone',
      views(
        "view: new EscapesView(type.startsWith('application/x-www-form-urlencoded'))",
        'view: new InterleavedView()',
      ),
    ],
    [
      'what is packed is read from its beginning',
      memory('!isPlain || this.#spansAll ||', '!isPlain ||'),
    ],
    [
      'secrets of the session are known',
      detection('index.count === 0 ? forgiving', 'index.count >= 0 ? forgiving'),
    ],
    [
      'formats of secrets are known',
      detection('const known = detectors.scan(noteFar)', `const known = ${NOTHING}`),
    ],
  ),
  ...mutationsOf(
    'body-limits',
    [
      'a body has a cap',
      exchange(
        'if ((length ?? 0) > maxBytes && options.uninspected !== true) return tooLong(maxBytes)',
        '',
      ),
      exchange(
        "return read === 'partial' && !body.isConversation ? tooLong(maxBytes) : undefined",
        'return undefined',
      ),
    ],
    [
      'a body grows no more than so much',
      reading('if (this.#decoded <= this.#maxDecodedBytes)', 'if (this.#decoded >= 0)'),
      decoder('if (bytesOut > FREE_BYTES + bytesIn * MAX_RATIO)', 'if (bytesOut < 0)'),
    ],
    [
      'a body that cannot be read does not leave',
      exchange('if (body.problem !== undefined) return body.problem', ''),
    ],
    ['a body that breaks off does not leave', BREAK_IGNORED],
    ['what is found stops a body', FINDINGS_IGNORED],
  ),
  ...mutationsOf(
    'grpc',
    ['what no rule allows is denied', DEFAULT_ALLOWS],
    ['messages are looked at', grpc('this.#look.findings.add(finding,', 'void (finding,')],
    [
      'a message that cannot be read does not leave',
      grpc("else this.fail('invariant.body-encoding',", "else void ('invariant.body-encoding',"),
    ],
    ['metadata is looked at', FIELDS_UNREAD],
    [
      'a message is decoded or refused',
      grpc(
        'if (flag !== 1 || decode === undefined)',
        'if (decode === undefined) return message\n    if (flag > 9)',
      ),
    ],
    [
      'a message grows no more than so much',
      grpc('maxOutputLength: maxBytes', 'maxOutputLength: 2 ** 30'),
    ],
  ),
  ...mutationsOf(
    'url-provenance',
    [
      'a URL is of known origin',
      provenance('return deny(UNKNOWN_URL, this.#explain(url))', 'return UNCHECKED'),
    ],
    [
      'private data ends what indexes teach',
      provenance(
        'if (event.rules.some((rule) => this.#privateRules.has(rule))) this.#isPrivate = true',
        '',
      ),
    ],
    [
      'only an index teaches',
      provenance(
        'return !this.#isPrivate && rules.some((rule) => this.#indexes.has(rule))',
        'return !this.#isPrivate',
      ),
      provenance('if (this.isLearning(event.rules)) this.#add', 'this.#add'),
    ],
  ),
  ...mutationsOf(
    'budgets',
    [
      'bytes are counted',
      budget(
        'bytesOut !== null && this.#bytesOut + bytes > bytesOut',
        'bytesOut !== null && bytesOut < 0',
      ),
    ],
    [
      'URLs are counted',
      budget('if (urls === 1 && distinctUrls !== null && count > distinctUrls)', 'if (urls < 0)'),
    ],
    [
      'what URLs say is estimated',
      budget(
        'if (urlEntropyBits === null || this.#bits + bits <= urlEntropyBits)',
        'if (urls >= 0)',
      ),
    ],
  ),
  ...mutationsOf(
    'package-installs',
    [
      'a name is known',
      judge("if (popular.has(name) || facts?.status === 'described')", 'if (name !== null)'),
    ],
    [
      'a likeness is seen',
      judge('if (lookalike === undefined) return undefined', 'return undefined'),
    ],
    [
      'a version is old enough',
      judge('if (ageMs >= plan.youngMs) return undefined', 'return undefined'),
    ],
    [
      'install scripts are seen',
      judge('if (release?.installScripts !== true) return undefined', 'return undefined'),
    ],
    [
      'a file is of one package',
      firewall('return new RefusedExchange(request.reason)', 'return fetch(arrival)'),
    ],
  ),
]
