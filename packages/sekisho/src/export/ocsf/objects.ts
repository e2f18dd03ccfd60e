import { defined, type Fields, numberAt, textAt } from '../fields.ts'
import type { EventPlace } from './event.ts'

/** Objects of the schema that more than one class has. */

export function actorOf(leaf: Fields): Fields {
  const session = textAt(leaf, 'session')
  return session === undefined
    ? { app_name: 'sekisho' }
    : { app_uid: session, session: { uid: session } }
}

/** The sandbox of a session, as a device. `type_id` 6 is Virtual, 1 Server. */
export function deviceOf({ session, hostname }: EventPlace): Fields {
  if (session === '') return { type_id: 1, type: 'Server', hostname, name: hostname }
  return { type_id: 6, type: 'Virtual', uid: session, name: session, hostname }
}

export function sourceOf({ session, hostname }: EventPlace): Fields {
  return session === '' ? { hostname } : { uid: session, name: session, hostname }
}

/** Where an action goes. */
export function destinationOf(action: Fields): Fields {
  return defined({
    hostname: textAt(action, 'host'),
    ip: textAt(action, 'address'),
    port: numberAt(action, 'port'),
    name: textAt(action, 'host') ?? textAt(action, 'address') ?? 'unknown',
  })
}

/** `algorithm_id` 3 is SHA-256. */
export function fingerprintOf(digest: string): Fields {
  return { algorithm: 'SHA-256', algorithm_id: 3, value: digest.replace(/^sha256:/, '') }
}

/** A file; `type_id` 1 is Regular File. */
export function fileOf(path: string, digest?: string): Fields {
  return defined({
    name: path.slice(path.lastIndexOf('/') + 1) || path,
    path,
    type_id: 1,
    hashes: digest === undefined ? undefined : [fingerprintOf(digest)],
  })
}

export function urlOf(action: Fields): Fields {
  const scheme = textAt(action, 'scheme') ?? 'https'
  const host = textAt(action, 'host') ?? ''
  const port = numberAt(action, 'port')
  const path = textAt(action, 'path') ?? ''
  const query = textAt(action, 'query')
  const tail = query === undefined ? '' : `?${query}`
  return defined({
    scheme,
    hostname: host,
    port,
    path,
    query_string: query,
    url_string: `${scheme}://${host}${port === undefined ? '' : `:${port}`}${path}${tail}`,
  })
}
