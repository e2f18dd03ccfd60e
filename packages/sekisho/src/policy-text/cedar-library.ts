import type * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { SekishoError } from '../core/error.ts'

export type CedarLibrary = typeof cedar

let library: Promise<CedarLibrary> | undefined
let isBroken = false

/**
 * Cedar's own library, some 60 MB of memory once it has worked: brought in when a text of Cedar is
 * read, never by a process that only decides.
 */
export async function cedarLibrary(): Promise<CedarLibrary> {
  if (isBroken) throw brokenLibrary()
  library ??= import('@cedar-policy/cedar-wasm/nodejs')
  return library
}

/**
 * Asks the library. An answer that it dies of must not become one that it gives: WebAssembly that
 * has once run out of its stack answers wrongly or not at all from then on.
 *
 * @throws SekishoError CONFIG_INVALID
 */
export function askCedar<Answer>(ask: () => Answer): Answer {
  if (isBroken) throw brokenLibrary()
  try {
    return ask()
  } catch (cause) {
    isBroken = true
    throw new SekishoError('CONFIG_INVALID', "Cedar's library broke on a policy of this bundle", {
      hint: 'make its policies smaller; the process that read them reads no more policies until it is restarted',
      cause,
    })
  }
}

function brokenLibrary(): SekishoError {
  return new SekishoError('CONFIG_INVALID', "Cedar's library broke on an earlier bundle", {
    hint: 'mend that bundle and restart the platform',
  })
}
