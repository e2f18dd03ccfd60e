import { existsSync, readFileSync } from 'node:fs'
import tls from 'node:tls'
import { serveExporter } from '../export/service.ts'
import { witnessTask } from './witness-task.ts'
import { runChild } from './child-process.ts'

/** Debian's bundle of the roots that this host trusts, for receivers without a CA of their own. */
const SYSTEM_ROOTS = '/etc/ssl/certs/ca-certificates.crt'

if (existsSync(SYSTEM_ROOTS)) {
  const bundle = readFileSync(SYSTEM_ROOTS, 'utf8')
  const roots = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (roots !== null) tls.setDefaultCACertificates(roots)
}

await runChild((supervisor) =>
  serveExporter({
    supervisor,
    logDir: process.argv[2] ?? '',
    stateDir: process.argv[3] ?? '',
    now: () => new Date(),
    say: (line) => process.stderr.write(`sekisho: ${line}\n`),
    tasks: [witnessTask], // what else works on the log, one line each
  }),
)
