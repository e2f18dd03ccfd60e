import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SECRET = ['four', 'made', 'up', 'words'].join(' ')
const ASKS = `
  import { typedSecret } from ${JSON.stringify(join(import.meta.dirname, 'typed-secret.ts'))}
  try { process.stdout.write('got ' + Buffer.from(await typedSecret('secret')).toString('hex') + '\\n') }
  catch (error) { process.stdout.write(error.code + ': ' + error.message + '\\n') }
`

/** Types into a terminal, one line after each prompt; prints what the terminal showed. */
const TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', sys.argv[2]])
shown, lines = b'', [line.encode('latin1') for line in sys.argv[3:]]
while True:
    try: more = os.read(terminal, 1024)
    except OSError: break
    if not more: break
    shown += more
    if more.endswith(b': ') and lines: os.write(terminal, lines.pop(0))
os.waitpid(pid, 0)
sys.stdout.write(shown.decode())
`

const hex = Buffer.from(SECRET).toString('hex')

test.for([
  ['typed twice', [`${SECRET}\r`, `${SECRET}\r`], `got ${hex}`],
  ['with a slip taken back', [`${SECRET}x\u007f\r`, `${SECRET}\r`], `got ${hex}`],
  ['not the same twice', [`${SECRET}\r`, 'another\r'], 'USAGE: the two are not the same'],
  ['nothing', ['\r', '\r'], 'USAGE: want 1 to 1024 bytes'],
  ['given up', ['half\u0003'], 'USAGE: nothing was typed'],
] as const)('a secret at a terminal, %s, is not shown', async ([, lines, said]) => {
  const shown = await run('python3', ['-c', TERMINAL, process.execPath, ASKS, ...lines])
  expect(shown).toContain(said)
  expect(shown).not.toContain(SECRET.slice(0, 4))
})

test.for([
  ['a line', `${SECRET}\n`, `got ${hex}`],
  ['a line without its end', SECRET, `got ${hex}`],
  ['its first line', `${SECRET}\nsecond\n`, `got ${hex}`],
  ['nothing', '', 'USAGE: want 1 to 1024 bytes'],
  ['too much', 'x'.repeat(2000), 'USAGE: want 1 to 1024 bytes'],
] as const)('from a pipe: %s', async ([, text, said]) => {
  const shown = await run(process.execPath, ['--input-type=module', '-e', ASKS], text)
  expect(shown.trim()).toBe(said)
})

function run(program: string, argv: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, argv, { timeout: 120_000 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
    child.stdin?.end(input)
  })
}
