import { inFile, mutationsOf } from './mutation.ts'
import {
  HOST_UNREAD,
  METHOD_UNREAD,
  OVERRIDES_UNREAD,
  DEFAULT_ALLOWS,
  UNRECORDED,
} from './shared.ts'

const head = inFile('gate/http-head.ts')
const front = inFile('gate/http-front.ts')
const path = inFile('core/url-path.ts')
const reading = inFile('policy/path-reading.ts')
const rules = inFile('policy/network-policy.ts')

const LENIENT = front('insecureHTTPParser: false', 'insecureHTTPParser: true')

export const REQUEST_MUTATIONS = [
  ...mutationsOf(
    'host-confusion',
    ['Host is compared with what was dialled', HOST_UNREAD],
    ['the port of Host is compared', head('=== host && named === port', '=== host')],
    ['there is one Host', head('if (seen.hosts !== 1)', 'if (seen.hosts > 9)')],
    [
      'the scheme of an absolute form is compared',
      head('if (scheme.toLowerCase() !== route.scheme)', "if (scheme === 'none')"),
    ],
    [
      'the authority of an absolute form is compared',
      head('requireSameHost(authority, route)\n  return rest', 'return rest'),
    ],
    [
      'a target is origin form or absolute form',
      head('throw malformed(`request target', "return '/public/a' + String(`request target"),
    ],
    ['the parser is strict', LENIENT],
    ['what the parser refuses is recorded', UNRECORDED],
  ),
  ...mutationsOf(
    'path-tricks',
    [
      'dot segments are found in every disguise',
      path('if (path === undefined || hasDotSegment(path))', 'if (path === undefined)'),
      reading('if (hasDotSegment(loose)) return undefined', ''),
      reading("if (loose.includes('%') && hasDotSegment(loosenPath(loose))) return undefined", ''),
    ],
    [
      'what a disguise decodes to is looked at',
      path('if (OVERLONG.test(reading)) return true', ''),
    ],
    [
      'what may stand raw in a path is a list',
      path('if (!/^\\/(?!\\/)[', "if (raw === '' && !/^\\/(?!\\/)["),
      reading("path.includes('/.')", "path.includes('/.none')"),
    ],
    [
      'escapes of control characters are refused',
      path('code < 0x20 || code === 0x7f || code === 0x5c', 'code > 0xff'),
      reading("path.includes('/.')", "path.includes('/.none')"),
    ],
    [
      'a path is read at all',
      path(
        'if (path === undefined || hasDotSegment(path)) return undefined',
        'if (path === undefined) return raw',
      ),
      path('if (!/^\\/(?!\\/)[', "if (raw === '' && !/^\\/(?!\\/)["),
      reading("path.includes('/.')", "path.includes('/.none')"),
    ],
    ['an escape has two digits', path('if (!/^[0-9a-fA-F]{2}$/.test(hex)) isBroken = true', '')],
    [
      'a deny rule wins over an allow rule',
      rules('if (deniedBy.length > 0) return denyBy(deniedBy, describeRequest(action))', ''),
    ],
    [
      'a path is also read as a loose server would',
      reading('if (!LOOSE.test(path))', 'if (LOOSE)'),
    ],
    ['what no rule allows is denied', DEFAULT_ALLOWS],
  ),
  ...mutationsOf(
    'request-smuggling',
    ['the parser is strict', LENIENT],
    [
      'there is one length of a body',
      LENIENT,
      head('if (seen.codings + seen.lengths.length > 1)', 'if (seen.codings > 9)'),
    ],
    [
      'chunked is the only transfer coding',
      LENIENT,
      head("if (value.toLowerCase() !== 'chunked')", "if (value === 'none')"),
    ],
    ['a length is digits', LENIENT, head('if (!LENGTH.test(value))', "if (value === 'none')")],
    [
      'a field under another spelling is that field',
      head('if (spelled !== name && /^(host', 'if (spelled === null && /^(host'),
    ],
    ['the version is 1.1', head("if (httpVersion !== '1.1')", "if (httpVersion === 'none')")],
    ['what the parser refuses is recorded', UNRECORDED],
    ['each request of a connection is decided', DEFAULT_ALLOWS],
  ),
  ...mutationsOf(
    'method-tricks',
    ['what no rule allows is denied', DEFAULT_ALLOWS],
    ['methods that tunnel or echo are refused', METHOD_UNREAD, DEFAULT_ALLOWS],
    ['fields that override the method or path are refused', OVERRIDES_UNREAD],
    ['an upgrade is refused', head("if (name === 'upgrade')", "if (name === '')")],
    [
      'the settings of h2c are refused',
      head("if (name === 'upgrade')", "if (name === '')"),
      head("if (name === 'http2-settings')", "if (name === '')"),
    ],
    [
      'an expectation that cannot be met is refused',
      head("if (name === 'expect' &&", "if (name === '' &&"),
    ],
    ['fields are counted', head('if (raw.length > 2 * MAX_HEADERS)', 'if (raw.length > 1e6)')],
    ['a head has a size', front('maxHeaderSize: MAX_HEADER_BYTES', 'maxHeaderSize: 1e6')],
    [
      'a target fits its record',
      head(
        'if (Math.max(rawPath.length, rawQuery?.length ?? 0) > MAX_TARGET_PART)',
        'if (rawPath === null)',
      ),
      head('|| path.length > MAX_TARGET_PART', ''),
    ],
    ['what the parser refuses is recorded', UNRECORDED],
  ),
]
