/**
 * The one canonical object of an action: parsed once, decided once, recorded, performed exactly.
 * A reader at the edge builds it; nothing after the reader looks at raw input again.
 */
export type HttpRequestAction = {
  kind: 'http.request'
  scheme: 'http' | 'https'
  method: string
  /** canonical: lower case, ASCII, no trailing dot */
  host: string
  port: number
  /** canonical: starts with `/`, no dot segments, upper-case percent escapes */
  path: string
  /** raw query without `?`; null when there is none */
  query: string | null
  /** the request asks to go on in this protocol; left out when it does not */
  upgrade?: 'websocket' | undefined
}

/** One message inside a WebSocket, which the request that opened it does not speak for. */
export type WebSocketMessageAction = {
  kind: 'ws.message'
  host: string
  port: number
  path: string
  type: 'text' | 'binary'
  bytes: number
}

export type NetConnectAction = {
  kind: 'net.connect'
  transport: 'tcp' | 'udp' | 'icmp' | 'icmpv6' | 'other'
  /** numeric destination as the agent dialled it */
  address: string
  /** null where the protocol has no ports */
  port: number | null
  /** the name behind a synthetic address; null for a literal address */
  host: string | null
}

export type DnsResolveAction = { kind: 'dns.resolve'; name: string; type: string }

/** A system call that the profile forbids, seen through seccomp user notification. */
export type ProcessSyscallAction = {
  kind: 'process.syscall'
  syscall: string
  /** raw arguments, hexadecimal */
  args: readonly string[]
  pid: number
  command: string
}

/** A tripwire file was opened. */
export type FileOpenAction = { kind: 'file.open'; path: string; pid: number; command: string }

/** A credential's placeholder was seen where it is not bound. */
export type SecretUseAction = { kind: 'secret.use'; secret: string; host: string; where: string }

/** Code of others is asked for, to be installed: the file of one version of a package. */
export type PackageInstallAction = {
  kind: 'package.install'
  ecosystem: 'npm' | 'pypi'
  /** canonical; for PyPI normalised (PEP 503) */
  name: string
  /** null where neither the request nor the registry's metadata says it without doubt */
  version: string | null
  scheme: 'http' | 'https'
  host: string
  port: number
  /** path of the file at that host, with its query */
  file: string
}

/** How a model is spoken to: the wire format of the request and of its reply. */
export const MODEL_APIS = ['messages', 'responses', 'chat', 'gemini'] as const
export type ModelApi = (typeof MODEL_APIS)[number]

/** What a request to a model provider means: a model is asked to go on. */
export type ModelCallAction = {
  kind: 'llm.generate'
  /** `anthropic`, `openai`, `google`, or an id of models.yaml */
  provider: string
  /** as the provider is asked for it */
  model: string
  api: ModelApi
  stream: boolean
  /** tools that the provider itself would run, by their type, such as `web_search` */
  serverTools: string[]
  scheme: 'http' | 'https'
  host: string
  port: number
  path: string
}

/** One simple command of a shell line, as far as it says what it runs. */
export type CommandCall = {
  /** null where it is known only when it runs */
  program: string | null
  /** arguments; null for one that is known only when it runs */
  args: (string | null)[]
}

/** What a model wants the agent's client to do, with every wrapper around it opened. */
export type ToolCallAction = {
  kind: 'llm.tool-call'
  provider: string
  model: string
  /** as the model named it, innermost */
  tool: string
  does: ToolDoing
  /**
   * every simple command of a shell line, in order, also those in substitutions; at most 64: a call
   * with more, here or below, is refused
   */
  commands: CommandCall[]
  /** of files that it names, as it names them */
  paths: string[]
  urls: string[]
  /** over the arguments as they will be released: of JSON by RFC 8785, else of their UTF-8 */
  digest: string
  /** the provider's id of the call; null where the format has none */
  callId: string | null
}

export const TOOL_DOINGS = ['shell', 'write', 'read', 'fetch', 'mcp', 'spawn', 'other'] as const
export type ToolDoing = (typeof TOOL_DOINGS)[number]

export type Action =
  | HttpRequestAction
  | ModelCallAction
  | ToolCallAction
  | WebSocketMessageAction
  | NetConnectAction
  | DnsResolveAction
  | ProcessSyscallAction
  | FileOpenAction
  | SecretUseAction
  | PackageInstallAction
