/** A plain HTTPS server that answers every request with 1 KiB of JSON. Arguments: CERT KEY ADDRESS. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const BODY_BYTES = 1024
const [certFile = '', keyFile = '', address = '127.0.0.1'] = process.argv.slice(2)
const envelope = JSON.stringify({ padding: '' })
const body = Buffer.from(JSON.stringify({ padding: 'x'.repeat(BODY_BYTES - envelope.length) }))
const headers = { 'content-type': 'application/json', 'content-length': body.length }

const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), keepAliveTimeout: 60_000 },
  (request, response) => {
    request.resume()
    response.writeHead(200, headers)
    response.end(body)
  },
)
server.listen(0, address, () => {
  const bound = server.address()
  process.stdout.write(`ready ${JSON.stringify(bound)}\n`)
})
// gone with its parent, however that ends
process.stdin.on('close', () => process.exit(0)).resume()
