import type { Http2ServerResponse } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { type Answer, OTHER, sha256 } from './world.ts'

export const PLAIN = 'hello from outside\n'
export const LONG_TEXT = 'a line that repeats\n'.repeat(500)

/** The application of these tests: a server's ways to answer, each once. */
export const answerAsApp: Answer = (request, response) => {
  const path = request.target.replace(/\?.*/, '')
  const file = FILES[path]
  if (file !== undefined) {
    response.writeHead(200, { 'content-type': file.type, ...file.fields })
    return void response.end(file.body)
  }
  if (path === '/echo') {
    response.writeHead(200, { 'content-type': 'application/json' })
    const { method, httpVersion, body } = request
    return void response.end(
      JSON.stringify({ method, httpVersion, bytes: body.length, sha256: sha256(body) }),
    )
  }
  if (path === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: tick\ndata: 1\n\n')
    waiting.push(response)
    return
  }
  if (path === '/release') {
    for (const events of waiting.splice(0)) events.end('event: tick\ndata: 2\n\n')
    return void response.end('released\n')
  }
  response.writeHead(404).end('nothing here\n')
}

/** Streams of events whose second one waits for a request to `/release`. */
const waiting: Http2ServerResponse[] = []

type File = { type: string; body: string | Buffer; fields?: Record<string, string> }

const PAGE = `<!doctype html><html><head><title>before</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><script src="/page.js"></script></head>
<body><p id="out"></p><img src="/dot.svg" alt=""><script>show()</script></body></html>`

/** Asks synchronously, so that the page is not complete before the answer is there. */
const SCRIPT = `function show() {
  const request = new XMLHttpRequest()
  request.open('POST', '/echo', false)
  request.send('from the page')
  document.getElementById('out').textContent = JSON.parse(request.responseText).sha256
  document.title = 'after'
}`

const FILES: Readonly<Record<string, File>> = {
  '/hello': { type: 'text/plain', body: PLAIN },
  '/packed': {
    type: 'text/plain',
    body: gzipSync(LONG_TEXT),
    fields: { 'content-encoding': 'gzip' },
  },
  '/page': { type: 'text/html', body: PAGE, fields: { 'alt-svc': 'h3=":443"; ma=3600' } },
  '/page.js': { type: 'text/javascript', body: SCRIPT },
  '/page.css': { type: 'text/css', body: 'p { color: red }' },
  '/dot.svg': { type: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' },
}

/** As {@link answerAsApp}; what is not there is elsewhere. */
export const answerAndRedirect: Answer = (request, response) => {
  if (!request.target.startsWith('/elsewhere')) return answerAsApp(request, response)
  response.writeHead(302, { location: `https://${OTHER}/hello` }).end()
}
