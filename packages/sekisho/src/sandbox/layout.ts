/** Where things are inside a session. The skeleton root, the OCI spec and the environment agree here. */

export const HOSTNAME = 'sekisho'
export const AGENT_ID = 1000
export const AGENT_HOME = '/home/agent'
export const WORKSPACE = '/workspace'
/** static init, copied into the skeleton */
export const INIT = '/.sekisho/init'
/** read-only bind of the session's own files; /etc holds symbolic links into it */
export const SESSION_FILES = '/.sekisho/session'
/** the bundle that every TLS client is pointed at: the session's CA and nothing else */
export const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
export const CA_DIRECTORY = '/etc/ssl/certs'
/** the gate's resolver, in the synthetic range 198.18.0.0/15 (RFC 2544) */
export const RESOLVER = '198.19.255.1'
