/** Uploads for ever, over four connections at a time. Arguments: HOST CA-FILE. */
import { readFileSync } from 'node:fs'
import https from 'node:https'

const PIECE = Buffer.alloc(64 * 1024, 'u')
const PIECES = 256
const CONNECTIONS = 4

const [host = '', caFile = ''] = process.argv.slice(2)
const agent = new https.Agent({ keepAlive: true, ca: readFileSync(caFile) })

function upload(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = https.request({ host, path: '/', method: 'PUT', agent }, (response) => {
      response.resume().on('end', resolve)
    })
    request.on('error', reject)
    let left = PIECES
    const write = (): void => {
      while (left-- > 0) if (!request.write(PIECE)) return void request.once('drain', write)
      request.end()
    }
    write()
  })
}

process.stdout.write('begun\n')
await Promise.all(
  Array.from({ length: CONNECTIONS }, async () => {
    for (;;) await upload().catch(() => undefined) // a connection that is cut is the next one's
  }),
)
