/** A forward proxy that looks into TLS, as the load client needs to know it. */
export type ProxyPeer = {
  address: string
  port: number
  /** PEM that a client behind the proxy must trust */
  caFile: string
  stop: () => Promise<void>
}

/** What a proxy peer is started with; the directory takes its authority and its state. */
export type ProxyPeerOptions = {
  directory: string
  /** the one destination that the peer's policy allows */
  allow: { host: string; port: number }
  /** PEM that the peer trusts upstream */
  upstreamCaFile: string
}
