import { inFile, mutationsOf } from './mutation.ts'

const personal = inFile('gate/llm/personal.ts')
const body = inFile('gate/request-body.ts')
const memory = inFile('gate/inspection/body-memory.ts')
const redaction = inFile('gate/llm/redaction.ts')
const places = inFile('detect/content/links/link-places.ts')
const links = inFile('detect/content/links/link-filter.ts')

export const DATA_OF_MODELS_MUTATIONS = mutationsOf(
  'model-data',
  [
    'personal data that is no token does not leave in escapes',
    personal('if (left !== undefined) {', 'if (left === undefined && treatments === undefined) {'),
  ],
  [
    'personal data does not leave where no token can stand',
    personal('if (found === undefined) return undefined', 'if (found !== null) return undefined'),
  ],
  [
    'what is told of in part is not covered by half',
    body('if (this.#told >= MAX_LISTED && covered', 'if (this.#told < 0 && covered'),
  ],
  [
    'what is told of in part is not remembered as clean',
    memory('if (this.#findings.length >= MAX_LISTED) return', ''),
  ],
  [
    'what is told of in part is covered with all',
    redaction('return isCut(all) ? undefined : all', 'return all'),
  ],
  [
    'all of a recording is looked at',
    redaction(
      'for (let at = 0; at < text',
      'for (let at = Math.max(0, text.length - 1024); at < text',
    ),
  ],
  [
    'what is covered is looked at again',
    redaction('if (left?.length === 0) return ranges', 'if (left !== null) return ranges'),
  ],
  ['refusals are put together', redaction('input|refusal|', 'input|')],
  [
    'addresses in replies are looked at',
    links('for (const finding of this.#findings(place, text))', 'for (const finding of [])'),
  ],
  [
    'a bracket in the words of an image may be none',
    places('this.#closedImage || this.#isUnsure', 'this.#closedImage'),
  ],
  [
    'spaces behind the name of an attribute are one',
    places('if (words.length === text.length)', 'if (words.length >= 0)'),
  ],
  ['an address may begin behind a bracket in it', links("split('](')", "split('](](')")],
)
