import type { Channel } from '../format.ts'
import { isObject, type JsonObject } from '../hold/json-object.ts'
import { readCount, refuseMany } from './fields.ts'
import { readGeminiParts } from './gemini-parts.ts'
import { type PieceBook, readList } from './piece.ts'
import { camelName, protoNames, readProto } from './proto-object.ts'
import { RequestFault } from './request-fault.ts'
import type { Asked, ReadPlace, RequestFormat } from './request-format.ts'

const KNOWN: ReadonlySet<string> = new Set([
  'cachedContent',
  'contents',
  'generationConfig',
  'labels',
  'model',
  'modelArmorConfig',
  'safetySettings',
  'serviceTier',
  'store',
  'systemInstruction',
  'toolConfig',
  'tools',
])
const CONTENT = protoNames(['role', 'parts'])
const CONFIG = protoNames(['maxOutputTokens', 'candidateCount'])
const FUNCTION = protoNames(['name', 'description'])
const SERVER = protoNames(['name', 'streamableHttpTransport'])
const RETRIEVAL = protoNames(['externalApi'])
const EXTERNAL = protoNames(['endpoint'])
const ROLES: ReadonlyMap<unknown, Channel> = new Map([
  [undefined, 'user'],
  ['', 'user'],
  ['user', 'user'],
  ['model', 'assistant'],
  ['function', 'tool-result'],
  ['tool', 'tool-result'],
  ['system', 'system'],
])
/** Members of a tool, each of which is one. */
const TOOLS: ReadonlyMap<string, 'server' | 'client'> = new Map([
  ['codeExecution', 'server'],
  ['enterpriseWebSearch', 'server'],
  ['exaAiSearch', 'server'],
  ['fileSearch', 'server'],
  ['googleMaps', 'server'],
  ['googleSearch', 'server'],
  ['googleSearchRetrieval', 'server'],
  ['mcpServers', 'server'],
  ['parallelAiSearch', 'server'],
  ['retrieval', 'server'],
  ['urlContext', 'server'],
  ['computerUse', 'client'],
])

const TOOL = protoNames([...TOOLS.keys(), 'functionDeclarations'])

/** generateContent and streamGenerateContent of Google. */
export const GEMINI_FORMAT: RequestFormat = {
  known: KNOWN,
  lists: new Set(['contents', 'tools']),
  canonicalName: camelName,
  places: new Map<string, ReadPlace>([
    ['contents[]', readContent],
    ['tools[]', readTool],
    ['systemInstruction', readInstruction],
    ['generationConfig', (value, book) => book.all('system', schemasOf(value))],
    ['cachedContent', readCached],
  ]),
  settle,
}

function settle(members: ReadonlyMap<string, unknown>): Asked {
  const value = members.get('generationConfig') ?? {}
  const config = readProto(value, CONFIG, 'generationConfig')
  refuseMany(config['candidateCount'], 'candidateCount')
  // both stand in the path
  return {
    model: null,
    stream: false,
    maxOutputTokens: readCount(config['maxOutputTokens'], 'maxOutputTokens'),
  }
}

/** Instructions and tools that are kept by the provider: nobody here has seen them. */
function readCached(value: unknown, book: PieceBook): void {
  book.kept('cache')
  book.unknown('cachedContent', value)
}

function readContent(value: unknown, book: PieceBook): void {
  const { role, parts } = readProto(value, CONTENT, 'content')
  const channel = ROLES.get(role ?? undefined)
  if (channel === undefined) return book.unknownRole(role, value)
  readGeminiParts(parts, channel, book)
}

function readInstruction(value: unknown, book: PieceBook): void {
  if (typeof value === 'string') return book.text('system', value)
  const { parts } = readProto(value, CONTENT, 'systemInstruction')
  readGeminiParts(parts, 'system', book)
}

function schemasOf(value: unknown): unknown {
  if (!isObject(value)) return undefined
  return Object.entries(value).flatMap(([name, member]) => {
    return /schema/i.test(name) ? [member] : []
  })
}

function readTool(value: unknown, book: PieceBook): void {
  const tool = readProto(value, TOOL, 'a tool')
  for (const [name, member] of Object.entries(tool)) {
    if (member === null) continue
    if (name === 'functionDeclarations') readFunctions(member, book)
    else readBuiltIn(name, member, book)
  }
}

function readFunctions(value: unknown, book: PieceBook): void {
  for (const each of readList(value, 'functionDeclarations')) {
    const declaration = readProto(each, FUNCTION, 'a function')
    const { name } = declaration
    if (typeof name !== 'string') throw new RequestFault('a function without a name')
    book.all('tool-definition', declaration)
    book.tool({ name, type: 'function', isServerSide: false })
  }
}

function readBuiltIn(name: string, member: unknown, book: PieceBook): void {
  const runs = TOOLS.get(name)
  book.all('tool-definition', member)
  if (runs === undefined) book.unknown(name, member)
  book.tool({ name, type: name, isServerSide: runs !== 'client' })
  if (name === 'mcpServers') readServers(member, book)
  if (name === 'retrieval') readRetrieval(member, book)
}

/** Vertex searches in whatever index it is told to. */
function readRetrieval(value: unknown, book: PieceBook): void {
  const { externalApi: api } = readProto(value, RETRIEVAL, 'retrieval')
  if (isObject(api)) book.linkTo(readProto(api, EXTERNAL, 'an external API')['endpoint'])
}

function readServers(value: unknown, book: PieceBook): void {
  for (const server of readList(value, 'mcpServers')) {
    const { streamableHttpTransport: transport } = readProto(server, SERVER, 'a server')
    const at: JsonObject = isObject(transport) ? transport : {}
    book.linkTo(at['url'])
  }
}
