import { inFile, mutationsOf } from './mutation.ts'

const known = inFile('policy/values/known-values.ts')
const sink = inFile('gate/operations/value-sink.ts')
const rules = inFile('gate/session-rules.ts')
const type = inFile('policy/operations/argument-type.ts')
const json = inFile('policy/operations/strict-json.ts')
const read = inFile('policy/operations/read-arguments.ts')
const index = inFile('policy/operations/operation-index.ts')
const formats = inFile('policy/operations/text-format.ts')
const extractor = inFile('policy/values/value-extractor.ts')

export const OPERATION_MUTATIONS = [
  ...mutationsOf(
    'untrusted-recipients',
    [
      'what decides where an action strikes needs a source',
      rules('return isTrusted ? []', "return isTrusted || origin !== '' ? []"),
    ],
    [
      'an untrusted source names nothing',
      known("if (label.integrity === 'untrusted') this.#see", "if (origin === '') this.#see"),
    ],
    [
      'a trusted source names nothing once untrusted content is there',
      sink(
        'return joinLabels({ integrity, confidentiality }, session)',
        'return session && { integrity, confidentiality }',
      ),
    ],
    [
      'a value is named whole',
      extractor('const word = token.replace', "const word = token.replace(/^no-/, '').replace"),
    ],
    [
      'an address is one address',
      formats('!LOCAL_PART.test(local) ? undefined', "local === '' ? undefined"),
      formats(
        'const mark = text.lastIndexOf',
        "text = text.split(/[,;<(\\s]/)[0] ?? ''\n  const mark = text.lastIndexOf",
      ),
    ],
    ['unknown arguments are denied', type('if (unknown !== undefined) {', "if (unknown === '') {")],
    ['an argument stands there once', json('if (members.has(name))', "if (name === '')")],
    ['arguments stand in one place', read("if (hasQuery && kind !== 'query')", 'if (false)')],
    ['a body is what it says to be', read('wanted.test(contentType)', "contentType !== ''")],
    ['a BOM is no space', json('ignoreBOM: true', 'ignoreBOM: false')],
    [
      'a path is read as a loose server reads it',
      index("effect: 'deny',", "effect: 'allow',"),
      index('const { denies }', 'const { allows: denies }'),
    ],
    [
      'capitals and a slash at the end make no other path',
      index('const lax = readPath(laxPath(action.path))', 'const lax = path'),
    ],
    [
      'compressed arguments are denied',
      rules("valuesOf(fields, 'content-encoding').length > 0", "'' in fields"),
    ],
  ),
]
