import { serveSignatures } from './signature-threads.ts'

serveSignatures()
