import { isObject, type JsonObject } from '../hold/json-object.ts'
import { type PieceBook, readList, readObject } from './piece.ts'

const TOOL: ReadonlySet<string> = new Set([
  'type',
  'name',
  'description',
  'parameters',
  'tools',
  'server_url',
  'environment',
])

const CLIENT: ReadonlySet<unknown> = new Set([
  'function',
  'custom',
  'local_shell',
  'apply_patch',
  'computer',
  'computer_use_preview',
  'computer-preview',
  // looks through the definitions of this same request, or asks the client
  'tool_search',
])
const SERVER =
  /^(?:web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?|file_search|code_interpreter|image_generation|programmatic_tool_calling)$/

/** One tool that the model is offered; of a namespace, all in it. */
export function readResponsesTool(value: unknown, book: PieceBook): void {
  const tool = readObject(value, TOOL, 'a tool')
  const { type } = tool
  if (type === 'namespace') return readNamespace(tool, book)
  book.all('tool-definition', tool)
  const name = nameOf(tool)
  if (CLIENT.has(type)) return book.tool({ name, type: String(type), isServerSide: false })
  if (type === 'shell') return readShell(tool, book)
  if (type === 'mcp') return readMcp(tool, book)
  if (typeof type === 'string' && SERVER.test(type)) return readServer(type, tool, book)
  book.unknown(type, value)
  book.server(String(type), name)
}

function nameOf({ name, type }: JsonObject): string {
  return typeof name === 'string' ? name : String(type)
}

function readNamespace({ tools, name, description }: JsonObject, book: PieceBook): void {
  book.all('tool-definition', [name, description])
  for (const tool of readList(tools, 'tools')) readResponsesTool(tool, book)
}

/** A shell of the client's only where it says so: else it is a container of the provider's. */
function readShell({ environment }: JsonObject, book: PieceBook): void {
  const isServerSide = !isObject(environment) || environment['type'] !== 'local'
  book.tool({ name: 'shell', type: 'shell', isServerSide })
  if (isServerSide) readContainer(environment, book)
}

/** The provider connects to it, with whatever header fields stand there. */
function readMcp(tool: JsonObject, book: PieceBook): void {
  const { server_label: label, server_url: url, connector_id: connector } = tool
  book.server('mcp', label)
  if (url !== undefined && url !== null) book.linkTo(url)
  // somebody's mail or files, of whose account the token beside it is
  if (typeof connector === 'string') book.server(`fetch:${connector}`)
}

function readServer(type: string, tool: JsonObject, book: PieceBook): void {
  book.server(type)
  const { vector_store_ids: stores, container, input_image_mask: mask } = tool
  if (stores !== undefined) book.kept('file')
  readContainer(container, book)
  if (isObject(mask)) readMask(mask, book)
}

function readMask({ image_url: url, file_id: file }: JsonObject, book: PieceBook): void {
  if (url !== undefined && url !== null) book.pictureAt(url)
  if (file !== undefined && file !== null) book.kept('file')
}

/** Where code runs at the provider: one that is there already, or what a new one has and may reach. */
function readContainer(container: unknown, book: PieceBook): void {
  if (typeof container === 'string') return book.kept('file')
  if (!isObject(container)) return
  const { container_id: id, file_ids: files, skills, network_policy: network } = container
  if (id !== undefined || files !== undefined) book.kept('file')
  if (skills !== undefined && skills !== null) book.server('skills')
  if (isObject(network)) readNetwork(network, book)
}

function readNetwork({ type, allowed_domains: hosts }: JsonObject, book: PieceBook): void {
  if (type === 'disabled') return
  if (!Array.isArray(hosts)) return book.linkTo(undefined)
  for (const host of hosts) book.linkTo(typeof host === 'string' ? `https://${host}` : host)
}
