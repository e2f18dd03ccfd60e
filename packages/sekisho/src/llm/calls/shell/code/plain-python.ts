/** Of these, importing does nothing but that; none of them runs what it is given by a name below. */
const MODULES =
  words(`json sys re os math datetime time collections itertools functools random string statistics base64
  hashlib textwrap pprint decimal fractions uuid glob csv pathlib html os.path urllib.parse`)
/** Names behind a dot, whatever it is that has them. */
const ATTRIBUTES =
  words(`load loads dumps stdin stdout stderr argv exit read readline readlines strip lstrip rstrip split rsplit
  splitlines join replace get items keys values append extend pop sort index count find startswith endswith lower
  upper title encode decode now today strftime isoformat date time sub search match findall finditer group groups
  compile Counter defaultdict most_common OrderedDict path exists basename dirname abspath getcwd environ listdir
  isfile isdir getsize version version_info platform maxsize pi sqrt floor ceil log fromkeys update add union
  b64encode b64decode hexdigest digest md5 sha1 sha256 sha512 quote unquote urlparse urlencode parse_qs parse
  reader DictReader name suffix stem parent Path read_text read_bytes pprint dedent wrap close isdigit isalpha
  total_seconds days seconds year month day uuid4 randint choice mean median reverse copy zfill ljust rjust center
  hex fromhex netloc hostname query scheme escape unescape glob chain reduce`)
/** Names that lead to others by texts, or run them. */
const LEADING =
  words(`eval exec compile getattr setattr delattr globals locals vars dir breakpoint input raw_input help
  execfile reload apply file class async await exec_module object super memoryview`)

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/))
}

const TOKEN =
  /\s+|#[^\n]*|[rRbBuU]{0,2}(?:'''(?:[^\\]|\\[\s\S])*?'''|"""(?:[^\\]|\\[\s\S])*?"""|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")|[A-Za-z_]\w*|\d[\w.]*|[-()[\]{}:,.;=+*/%<>!&|^~]/gy

/**
 * Whether Python code runs nothing but itself, whatever it reads: it imports nothing but what is known,
 * and names nothing behind a dot that is not. What it may do to files is not looked at.
 */
export function isPlainPython(code: string): boolean {
  const tokens = tokensOf(code)
  return (
    tokens !== undefined &&
    tokens.every((token, i) => isPlain(token, tokens[i - 1])) &&
    importsPlain(tokens)
  )
}

/** Without blanks; undefined where something is none. */
function tokensOf(code: string): string[] | undefined {
  const tokens: string[] = []
  let at = 0
  for (const { 0: token, index } of code.matchAll(TOKEN)) {
    if (index !== at) return undefined
    at += token.length
    if (token.includes('\n') && /^\s/.test(token)) tokens.push('\n')
    else if (!/^[\s#]/.test(token)) tokens.push(token)
  }
  return at === code.length ? tokens : undefined
}

/** Of `f'{x()}'`, the letter; what is in such a text is code. */
const TEXT_WITH_CODE = /^[rbu]?[ft][rbu]?$/i

function isPlain(token: string, before: string | undefined): boolean {
  if (/['"]/.test(token)) return !TEXT_WITH_CODE.test(before ?? '')
  if (!/^[A-Za-z_]\w*$/.test(token)) return true
  if (token.includes('__')) return false
  return before === '.' ? ATTRIBUTES.has(token) || token === 'parse' : !LEADING.has(token)
}

/** `import a, b as c` and `from a import b`. */
function importsPlain(tokens: readonly string[]): boolean {
  const text = tokens.join(' ').replaceAll(' . ', '.')
  const imports = [...text.matchAll(/(?:^|[\n;:]) ?(import|from) ([^\n;]*)/g)]
  const count = tokens.filter((token) => token === 'import').length
  return (
    imports.length === count &&
    imports.every(([, word, rest = '']) => (word === 'import' ? areModules(rest) : isFrom(rest)))
  )
}

function areModules(list: string): boolean {
  return list.split(',').every((each) => MODULES.has(each.trim().split(' as ')[0] ?? ''))
}

function isFrom(text: string): boolean {
  const [, module = '', names = ''] = /^(\S+) import\s(.*)$/.exec(text) ?? []
  return (
    MODULES.has(module) &&
    names
      .replace(/[()]/g, '')
      .split(',')
      .every((each) => ATTRIBUTES.has(each.trim().split(' as ')[0] ?? ''))
  )
}
