import { runChild } from './child-process.ts'
import { serveTranscriptReader } from './transcript-reader.ts'

await runChild(serveTranscriptReader)
