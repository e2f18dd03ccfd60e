import { SekishoError } from '../core/error.ts'

const MAX_BYTES = 1024
const INTERRUPT = '\u0003'
const END = '\u0004'
const BACKSPACES = ['\u007f', '\b']

/**
 * Asks for a secret, which the terminal does not show; from a pipe it is the first line. Asked for
 * twice at a terminal: a slip there would lock everybody out.
 *
 * @throws SekishoError USAGE when the two differ, for none, and for what is too long
 */
export async function typedSecret(what: string): Promise<string> {
  const { stdin } = process
  if (!stdin.isTTY) return checked((await lineOf(stdin)).line)
  stdin.setRawMode(true) // before the prompt: who types ahead is not shown either
  try {
    const first = await hidden(`${what}: `)
    if ((await hidden('again: ')) === first) return checked(first)
  } finally {
    stdin.setRawMode(false)
  }
  throw new SekishoError('USAGE', 'the two are not the same', { hint: 'try again' })
}

function checked(secret: string): string {
  if (secret !== '' && Buffer.byteLength(secret) <= MAX_BYTES) return secret
  throw new SekishoError('USAGE', `want 1 to ${MAX_BYTES} bytes`, { hint: 'try again' })
}

async function hidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(prompt)
  const { line, end } = await lineOf(stdin)
  stderr.write('\r\n')
  if (end !== INTERRUPT && end !== END) return line
  throw new SekishoError('USAGE', 'nothing was typed', { hint: 'try again' })
}

type Line = { line: string; end: string }

/** Up to the end of the line, of the input, or what interrupts; a terminal’s raw keys or a pipe’s bytes. */
function lineOf(input: NodeJS.ReadStream): Promise<Line> {
  const characters: string[] = []
  return new Promise((resolve, reject) => {
    const settle = (end: string): void => {
      input.pause()
      input.removeAllListeners('data')
      input.removeAllListeners('end')
      resolve({ line: characters.join(''), end })
    }
    input.setEncoding('utf8')
    input.once('error', reject)
    input.once('end', () => settle(''))
    input.on('data', (text: string) => {
      for (const character of text) {
        if (['\r', '\n', INTERRUPT, END].includes(character)) return settle(character)
        if (BACKSPACES.includes(character)) characters.pop()
        else if (characters.length <= MAX_BYTES) characters.push(character)
      }
    })
    input.resume()
  })
}
