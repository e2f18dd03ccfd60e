import { canonicalHost } from '../../../src/core/host.ts'
import { readClientHello } from '../../../src/gate/client-hello.ts'
import { compare, type Family, type Outcome, REFUSED } from '../family.ts'
import { helloBytes } from '../hello-grammar.ts'
import { mutateBytes } from '../mutate.ts'
import { OpensslReader } from '../openssl-reader.ts'

let openssl: Promise<OpensslReader> | undefined

/**
 * The beginning of a TLS stream, one byte a character. The server name that we decide by must be
 * the one that OpenSSL looks for a certificate for: in a pass-through nobody else checks.
 */
export const makeHelloFamily = (read: typeof readClientHello): Family => ({
  name: 'hello',
  generate: (random) => {
    const good = helloBytes(random)
    return (random.once(3) ? good : mutateBytes(random, good)).toString('latin1')
  },
  check: async (input): Promise<Outcome> => {
    const bytes = Buffer.from(input, 'latin1')
    const seen = read(bytes)
    const name = seen.kind === 'hello' ? canonicalHost(seen.hello.serverName ?? '') : undefined
    if (name === undefined) return REFUSED
    openssl ??= OpensslReader.start()
    const { serverName } = await (await openssl).read(bytes)
    // it may have stopped before it came to the name
    if (serverName === undefined) return REFUSED
    return compare({ name }, { name: canonicalHost(serverName) })
  },
})

export const helloFamily: Family = makeHelloFamily(readClientHello)
