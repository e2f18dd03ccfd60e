import { existsSync, readFileSync } from 'node:fs'
import tls from 'node:tls'
import { serveGate } from '../gate/service.ts'
import { runChild } from './child-process.ts'

/** Debian's bundle of the roots that this host trusts; an operator's own CA is added there. */
const SYSTEM_ROOTS = '/etc/ssl/certs/ca-certificates.crt'

if (existsSync(SYSTEM_ROOTS)) {
  const bundle = readFileSync(SYSTEM_ROOTS, 'utf8')
  const roots = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (roots !== null) tls.setDefaultCACertificates(roots)
}

await runChild((supervisor) =>
  serveGate({
    supervisor,
    now: () => Date.now(),
    dnsServers: process.argv.slice(2),
    unknown: () => {
      process.stderr.write('gate: the keyholder does not take its key\n')
      process.exit(1) // the supervisor starts another
    },
  }),
)
