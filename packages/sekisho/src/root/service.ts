import { SekishoError } from '../core/error.ts'
import { OneAtATime } from '../core/one-at-a-time.ts'
import { type Handlers, Peer, type Transport } from '../wire/peer.ts'
import { supervisorToRoot } from '../wire/root.ts'
import { PROVIDERS } from './all.ts'
import { RootAuthority } from './authority.ts'

/**
 * The process of the root key: opens it once, certifies what it is asked to, and ends with whoever
 * started it.
 */
export async function serveRoot(options: {
  supervisor: Transport
  now: () => Date
}): Promise<{ stop(): Promise<void> }> {
  const { supervisor, now } = options
  const line = new OneAtATime() // a token has one session, and a TPM one command at a time
  let authority: RootAuthority | undefined
  const opened = (): RootAuthority => {
    if (authority !== undefined) return authority
    throw new SekishoError('PROTOCOL_VIOLATION', 'the root key is not open')
  }
  const refuseTwice = (): void => {
    if (authority === undefined) return
    throw new SekishoError('PROTOCOL_VIOLATION', 'the root key is open already')
  }
  const handlers: Handlers<typeof supervisorToRoot> = {
    'root.create': ({ settings, secret, trustDomain }) =>
      line.run(async () => {
        refuseTwice()
        const { key, kept } = await PROVIDERS[settings.provider].create(settings, secret)
        authority = await RootAuthority.create(key, trustDomain, now())
        const description = authority.describe()
        return { file: { version: 1, ...description, key: kept }, description }
      }),
    'root.open': ({ settings, secret, file }) =>
      line.run(async () => {
        refuseTwice()
        const key = await PROVIDERS[settings.provider].open(settings, secret, file.key)
        authority = RootAuthority.open(key, file)
        return authority.describe()
      }),
    'root.describe': () => opened().describe(),
    'root.certify': ({ requests }) =>
      line.run(async () => {
        const certificates: string[] = []
        for (const request of requests) {
          certificates.push((await opened().certify(request, now())).toString('base64'))
        }
        return { certificates }
      }),
  }
  new Peer('supervisor', supervisor, { out: {}, in: supervisorToRoot, handlers })
  return { stop: async () => authority?.close() }
}
