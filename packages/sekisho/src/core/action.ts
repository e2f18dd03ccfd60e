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

export type Action =
  | HttpRequestAction
  | NetConnectAction
  | DnsResolveAction
  | ProcessSyscallAction
  | FileOpenAction
  | SecretUseAction
