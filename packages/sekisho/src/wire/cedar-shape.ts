/**
 * Checks an expression of Cedar's JSON form without recursion: what nests too deep must be refused
 * before a reader that recurses meets it.
 */
import { BINARY_OPERATORS, EXTENSION_FUNCTIONS, UNARY_OPERATORS } from './cedar-words.ts'

export const MAX_NESTING = 256
export const MAX_NODES = 20_000
const MAX_TEXT_LENGTH = 65_536

type Sort = 'expr' | 'exprs' | 'exprRecord' | 'value' | 'text' | 'path' | 'pattern' | 'variable'
/** the members of an object; a name that ends with `?` may be left out */
type Members = readonly (readonly [name: string, sort: Sort])[]

type Task = { value: unknown; sort: Sort; depth: number }
/** What is wrong, or what is to be checked next. */
type Step = string | readonly Task[]

const TWO: Members = [
  ['left', 'expr'],
  ['right', 'expr'],
]
const ONE: Members = [['arg', 'expr']]

const KINDS: ReadonlyMap<string, Sort | Members> = new Map<string, Sort | Members>([
  ['Value', 'value'],
  ['Var', 'variable'],
  ['Set', 'exprs'],
  ['Record', 'exprRecord'],
  [
    '.',
    [
      ['left', 'expr'],
      ['attr', 'text'],
    ],
  ],
  [
    'has',
    [
      ['left', 'expr'],
      ['attr', 'path'],
    ],
  ],
  [
    'like',
    [
      ['left', 'expr'],
      ['pattern', 'pattern'],
    ],
  ],
  [
    'is',
    [
      ['left', 'expr'],
      ['entity_type', 'text'],
      ['in?', 'expr'],
    ],
  ],
  [
    'if-then-else',
    [
      ['if', 'expr'],
      ['then', 'expr'],
      ['else', 'expr'],
    ],
  ],
  ...BINARY_OPERATORS.map((name) => [name, TWO] as const),
  ...UNARY_OPERATORS.map((name) => [name, ONE] as const),
  ...EXTENSION_FUNCTIONS.map((name) => [name, 'exprs'] as const),
])

/** What keeps a value from being an expression that the engine takes; null when nothing does. */
export function conditionProblem(value: unknown): string | null {
  const tasks: Task[] = [{ value, sort: 'expr', depth: 0 }]
  for (let nodes = 0; ; nodes++) {
    const task = tasks.pop()
    if (task === undefined) return null
    if (nodes >= MAX_NODES) return `an expression has at most ${MAX_NODES} nodes`
    if (task.depth > MAX_NESTING) return `an expression nests at most ${MAX_NESTING} deep`
    const step = check(task)
    if (typeof step === 'string') return step
    tasks.push(...step)
  }
}

const CHECKS: Readonly<Record<Sort, (task: Task) => Step>> = {
  expr: checkExpr,
  exprs: (task) => checkList(task, 'expr'),
  exprRecord: (task) => checkRecord(task, 'expr'),
  value: checkValue,
  text: ({ value }) => (isText(value) ? [] : 'text that is no Unicode text, or too long'),
  path: ({ value }) =>
    isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText))
      ? []
      : '`has` without a name',
  pattern: ({ value }) =>
    Array.isArray(value) && value.length < MAX_NODES && value.every(isPatternElement)
      ? []
      : 'a pattern of `like` that is none',
  variable: ({ value }) =>
    value === 'principal' || value === 'action' || value === 'resource' || value === 'context'
      ? []
      : 'a variable that Cedar does not have',
}

function check(task: Task): Step {
  return CHECKS[task.sort](task)
}

function checkExpr({ value, depth }: Task): Step {
  const entries = isObject(value) ? Object.entries(value) : []
  const [entry] = entries
  if (entry === undefined || entries.length > 1) return 'an expression is an object with one key'
  const [kind, inner] = entry
  const shape = KINDS.get(kind)
  if (shape === undefined) return `\`${kind.slice(0, 64)}\` is no expression of a static policy`
  if (typeof shape === 'string') return [{ value: inner, sort: shape, depth: depth + 1 }]
  return checkMembers(inner, shape, depth + 1)
}

function checkMembers(value: unknown, members: Members, depth: number): Step {
  if (!isObject(value)) return 'an operator without operands'
  const tasks: Task[] = []
  let seen = 0
  for (const [name, sort] of members) {
    const isOptional = name.endsWith('?')
    const key = isOptional ? name.slice(0, -1) : name
    if (Object.hasOwn(value, key)) {
      seen++
      tasks.push({ value: value[key], sort, depth })
    } else if (!isOptional) return `an operator without \`${key}\``
  }
  return Object.keys(value).length === seen ? tasks : 'an operator with a member too many'
}

function checkList({ value, depth }: Task, sort: Sort): Step {
  if (!Array.isArray(value)) return 'a list that is none'
  if (value.length > MAX_NODES) return `an expression has at most ${MAX_NODES} nodes`
  return value.map((item: unknown) => ({ value: item, sort, depth: depth + 1 }))
}

function checkRecord({ value, depth }: Task, sort: Sort): Step {
  if (!isObject(value)) return 'a record that is none'
  const entries = Object.entries(value)
  if (entries.length > MAX_NODES) return `an expression has at most ${MAX_NODES} nodes`
  if (!entries.every(([key]) => isText(key))) return 'a key that is no Unicode text, or too long'
  return entries.map(([, item]) => ({ value: item, sort, depth: depth + 1 }))
}

function checkValue(task: Task): Step {
  const { value } = task
  if (typeof value === 'boolean') return []
  if (typeof value === 'string') return CHECKS.text(task)
  if (typeof value === 'number') return checkNumber(value)
  if (Array.isArray(value)) return checkList(task, 'value')
  if (!isObject(value)) return 'a value that JSON or Cedar does not have'
  return checkEscape(value, task) ?? checkRecord(task, 'value')
}

function checkNumber(value: number): Step {
  return Number.isSafeInteger(value)
    ? []
    : 'a number beyond ±9007199254740991, whose digits JSON does not keep, or no whole number'
}

/** `__entity` and `__extn` are escapes only where they are the one key, as in Cedar. */
function checkEscape(value: Record<string, unknown>, { depth }: Task): Step | null {
  if (Object.keys(value).length !== 1) return null
  if (Object.hasOwn(value, '__entity')) {
    return checkMembers(
      value['__entity'],
      [
        ['type', 'text'],
        ['id', 'text'],
      ],
      depth + 1,
    )
  }
  if (Object.hasOwn(value, '__extn')) return checkExtension(value['__extn'], depth + 1)
  return Object.hasOwn(value, '__expr') ? 'the `__expr` escape, which Cedar gave up' : null
}

function checkExtension(value: unknown, depth: number): Step {
  const hasMany = isObject(value) && Object.hasOwn(value, 'args')
  if (!hasMany)
    return checkMembers(
      value,
      [
        ['fn', 'text'],
        ['arg', 'value'],
      ],
      depth,
    )
  const step = checkMembers(
    value,
    [
      ['fn', 'text'],
      ['args', 'value'],
    ],
    depth,
  )
  return Array.isArray(value['args']) ? step : 'an extension value whose `args` is no list'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Half a surrogate pair has no UTF-8, so Cedar never saw such a text. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH && value.isWellFormed()
}

function isPatternElement(value: unknown): boolean {
  if (value === 'Wildcard') return true
  return isObject(value) && Object.keys(value).length === 1 && isText(value['Literal'])
}
