import type { Family } from '../family.ts'
import { connectFamily } from './connect.ts'
import { helloFamily } from './hello.ts'
import { hostFamily } from './host.ts'
import { httpFamily } from './http.ts'
import { http2Family } from './http2.ts'
import { linkFamily } from './link.ts'
import { urlFamily } from './url.ts'

/** Every reader of ours that another reader checks. A new one is a line here. */
export const FAMILIES: readonly Family[] = [
  hostFamily,
  urlFamily,
  linkFamily,
  connectFamily,
  httpFamily,
  http2Family,
  helloFamily,
]
