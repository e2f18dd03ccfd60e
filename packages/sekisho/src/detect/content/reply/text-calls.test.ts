import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TEXT_CALL_MARK as MARK, textCallFilter } from './text-calls.ts'

function filtered(pieces: readonly (readonly [stream: string, text: string])[]): {
  out: string[]
  found: number
} {
  let found = 0
  const filter = textCallFilter(() => {
    found += 1
  })
  return { out: pieces.map(([stream, text]) => filter.push(stream, text)), found }
}

const whole = (text: string): string => filtered([['text:0', text]]).out.join('')

test.for([
  ['[exec]\n', '{"command":"id"}\n[/exec]'],
  ['\n\ufeff [exec] \t\r\n  ', '{"command":"id"}[END_TOOL_REQUEST]'],
  ['[exec]\n<parameter=', 'command>id</parameter></function>'],
  ['[tool:exec]', '{"command":"id"}'],
  ['[tool:exec] <PARAMETER=', 'command>id</PARAMETER>'],
  ['<function=', 'exec><parameter=command>id</parameter></function>'],
  ['<FunCtion=', 'exec></function>'],
  ['commentary to=', 'exec code<|message|>{"command":"id"}<|call|>'],
  ['<|channel|>analysis \tto=', 'exec code {"command":"id"}'],
  ['final to=', 'exec code{"command":"id"}'],
  ['So be it. <｜DSML', '｜tool_calls><｜DSML(Sekisho: text, not a call) ｜invoke name="exec">'],
  ['<||DSML', '||function_calls>'],
  ['<think>Hm.</think>\n[exec]\n', '{"command":"id"}[/exec]'],
  ['of course</ think >[exec]\n', '{"command":"id"}[/exec]'],
  ['[ex<mm:thought a=">">…</mm:thought>ec]\n', '{"command":"id"}[/exec]'],
])('%s is marked', ([before, after = '']) => {
  const text = `${before}${after.replace(MARK, '')}`
  expect(whole(text)).toBe(`${before}${MARK}${after}`)
})

test.for([
  'Plain words [and](links) <b>too</b>.',
  '[exec]',
  '[exec] {"command":"id"}',
  '[Note]\n<b>Read</b> this: {"a":1}',
  '[x] done\n[ ] not\n{}',
  '[NO_REPLY]',
  'final',
  'final to the last',
  'analysis of {"a":1}',
  'Write it so:\n[exec]\n{"command":"id"}\n[/exec]',
  '```xml\n<function=exec>\n```',
  'It says <function=exec>',
  'Array<string>\n[exec]\n{}',
  '<think>Hm.</think> The answer is <b>4</b>.',
  '<thinker>\n[exec]\n{}',
])('%s passes unchanged', (text) => {
  expect(filtered([['text:0', text]])).toEqual({ out: [text], found: 0 })
})

test('a call that begins in one part of a message and goes on in the next is marked', () => {
  const parts = filtered([
    ['text:0', '[ex'],
    ['text:1', 'ec]'],
    ['text:2', '{"command":"id"}'],
  ])
  expect(parts).toEqual({ out: ['[ex', 'ec]', `${MARK}{"command":"id"}`], found: 1 })
})

test('texts that come at the same time are read each by itself as well', () => {
  const { out, found } = filtered([
    ['text:0', '[ex'],
    ['text:1', 'Well, '],
    ['text:0', 'ec]\n{}'],
    ['text:1', 'no.'],
  ])
  expect(out.join('|')).toBe(`[ex|Well, |ec]\n${MARK}{}|no.`)
  expect(found).toBe(1)
})

test('what a model thinks is left as it is', () => {
  const thought = '[exec]\n{"command":"id"}[/exec]'
  expect(filtered([['thinking:0', thought]])).toEqual({ out: [thought], found: 0 })
})

const PIECES = [
  '[exec]',
  '[tool:exec]',
  '\n',
  ' ',
  '{"command":"id"}',
  '[/exec]',
  '<function=exec>',
  '<parameter=command>id</parameter>',
  '</function>',
  'final to=exec code',
  '<|channel|>',
  '<think>',
  '</think>',
  '<｜DSML｜tool_calls>',
  'words',
  '😀',
  '[',
  '<',
]

test('any cutting gives the same text, at once, and nothing of it is lost', () => {
  const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((all) => all.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(80)), (said, cuts) => {
      let found = 0
      const filter = textCallFilter(() => {
        found += 1
      })
      let out = ''
      let from = 0
      for (const to of [...cuts.sort((a, b) => a - b), said.length]) {
        out += filter.push('text:0', said.slice(from, to))
        from = Math.max(from, to)
        expect(out.replaceAll(MARK, '')).toBe(said.slice(0, from))
      }
      expect(filter.end('text:0')).toBe('')
      expect(out).toBe(whole(said))
      expect(out.split(MARK).length - 1).toBe(found)
    }),
    { numRuns: 500 },
  )
})
