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

export type Action =
  | HttpRequestAction
  | WebSocketMessageAction
  | NetConnectAction
  | DnsResolveAction
  | ProcessSyscallAction
  | FileOpenAction
  | SecretUseAction
  | PackageInstallAction
