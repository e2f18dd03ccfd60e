import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { buildPage } from '../../../verify/build/build-verify.ts'
import { auditedSample } from '../../../verify/src/testing/audited-log.ts'

/** The auditor's page in Debian's Chromium: from a file, with its own policy in force. */

const Answer = z.looseObject({
  id: z.int().optional(),
  result: z.looseObject({}).optional(),
  error: z.looseObject({ message: z.string() }).optional(),
})
type Result = Readonly<Record<string, unknown>>

let directory: string
let browser: ChildProcess
let socket: WebSocket
const waiting = new Map<number, (answer: z.infer<typeof Answer>) => void>()
/** what the page and the browser have complained of */
const complaints: string[] = []
let last = 0

/** One command of the DevTools protocol. @throws when the browser refuses it */
async function ask(method: string, params: object = {}, session = page): Promise<Result> {
  last += 1
  const id = last
  const answered = new Promise<z.infer<typeof Answer>>((resolve) => waiting.set(id, resolve))
  const whose = session === '' ? {} : { sessionId: session }
  socket.send(JSON.stringify({ id, method, params, ...whose }))
  const { result, error } = await answered
  if (error !== undefined) throw new Error(`${method}: ${error.message}`)
  return result ?? {}
}

let page = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-page-'))
  await writeFile(join(directory, 'verify.html'), (await buildPage()).code)
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0']
  browser = spawn('chromium', [...flags, `--user-data-dir=${join(directory, 'profile')}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  socket = new WebSocket(await addressOf(browser))
  await once(socket, 'open')
  socket.addEventListener('message', ({ data }) => take(String(data)))
  const url = pathToFileURL(join(directory, 'verify.html')).href
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' }, '')
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true }, '')
  page = z.string().parse(sessionId)
  for (const domain of ['Page', 'Runtime', 'Log', 'DOM', 'Network']) await ask(`${domain}.enable`)
  await ask('Page.navigate', { url })
})
afterAll(async () => {
  socket?.close()
  browser?.kill('SIGKILL')
  await (browser && once(browser, 'close'))
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
})

async function addressOf({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error('no stderr')
  for await (const line of createInterface({ input: stderr })) {
    const [, address] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? []
    if (address !== undefined) {
      stderr.resume()
      return address
    }
  }
  throw new Error('the browser did not start')
}

function take(text: string): void {
  const { id } = Answer.parse(JSON.parse(text))
  if (id === undefined) {
    if (
      /"method":"(?:Runtime\.exceptionThrown|Log\.entryAdded|Network\.requestWillBeSent)"/.test(
        text,
      )
    ) {
      complaints.push(text)
    }
    return
  }
  waiting.get(id)?.(Answer.parse(JSON.parse(text)))
  waiting.delete(id)
}

async function evaluate(expression: string): Promise<unknown> {
  const { result } = await ask('Runtime.evaluate', { expression, returnByValue: true })
  return z.looseObject({ value: z.unknown().optional() }).parse(result).value
}

/** What the page says once it has been given these files. */
async function verdictOn(...files: readonly string[]): Promise<unknown> {
  await evaluate('document.getElementById("clear").click()')
  const { root } = await ask('DOM.getDocument')
  const { nodeId } = z.looseObject({ nodeId: z.int() }).parse(root)
  const found = await ask('DOM.querySelector', { nodeId, selector: '#files' })
  await evaluate('document.getElementById("verdict").className = "waiting"')
  const paths = files.map((name) => join(directory, name))
  await ask('DOM.setFileInputFiles', { files: paths, nodeId: found['nodeId'] })
  const className = (): Promise<unknown> => evaluate('document.getElementById("verdict").className')
  await expect.poll(className).toMatch(/^(?:sound|findings|broken|unusable)$/)
  return evaluate('document.getElementById("verdict").textContent')
}

test('a log is judged without a network, and nothing that it says becomes a page', async () => {
  const made = auditedSample()
  const evil = '<img src=x onerror=alert(1)>'
  made.write({ type: evil })
  const lines = ['segment 1', ...(made.log.segments[0] ?? [])]
  const bundle = `sekisho-bundle/v1 log\n${lines.join('\n')}\nend ${lines.length + 1}\n`
  const good = auditedSample()
  const goodLines = ['segment 1', ...(good.log.segments[0] ?? [])]
  const sound = `sekisho-bundle/v1 log\n${goodLines.join('\n')}\nend ${goodLines.length + 1}\n`
  await writeFile(join(directory, 'root.pem'), made.rootPem)
  await writeFile(join(directory, 'evil'), bundle)
  await writeFile(join(directory, 'good.pem'), good.rootPem)
  await writeFile(join(directory, 'good'), sound)
  await writeFile(join(directory, 'edited'), sound.replace('a.example', 'b.example'))
  await writeFile(join(directory, 'half'), sound.slice(0, -30))

  const shown = (): Promise<unknown> => evaluate('document.readyState + document.title')
  await expect.poll(shown).toBe('completeSekisho: verify a log')
  expect(await verdictOn('good', 'good.pem')).toMatch(/^sound: 17 leaves/)
  expect(await verdictOn('edited', 'good.pem')).toMatch(/^broken at index 4/)
  expect(await verdictOn('half', 'good.pem')).toMatch(/^half a bundle/)
  expect(await verdictOn('good', 'root.pem')).toMatch(
    /^broken at index 0: it chains to another root/,
  )
  expect(await verdictOn('evil', 'root.pem')).toMatch(/^1 findings: 18 leaves/)
  expect(await evaluate('document.getElementById("found").textContent')).toContain(evil)
  expect(await evaluate('document.querySelectorAll("img").length')).toBe(0)
  // files that were given are read through blobs; nothing else was asked for
  const asked = complaints.filter((text) => !/"url":"file:\/\/[^"]*verify\.html"/.test(text))
  expect(asked).toEqual([])
  // the policy holds for the page itself: what it does not name is not fetched
  await evaluate('void fetch("http://127.0.0.1:9/").catch(() => (window.refused = true))')
  await expect.poll(() => evaluate('window.refused')).toBe(true)
  expect(complaints.some((text) => text.includes('Content Security Policy'))).toBe(true)
})
