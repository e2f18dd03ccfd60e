import fc from 'fast-check'
import { expect, test } from 'vitest'
import { comment } from './comment.ts'
import { writeBlock } from './hcl.ts'
import { shapeOf } from './testing/hcl-shape.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '${file("/etc/passwd")}',
    '%{ for x in y }',
    '"\n}\nresource "x" "y" {',
    '\\',
    '$${a}',
  ),
)

test('no text ends a quoted string, or begins a template in it', () => {
  fc.assert(
    fc.property(text, (value) => {
      const written = writeBlock({
        type: 'variable',
        labels: ['x'],
        attributes: { description: value },
      })
      expect(shapeOf(written)).toHaveLength(1)
      expect(written.split('\n')).toHaveLength(4)
      expect(written).not.toMatch(/[$%]\{/)
    }),
  )
})

test('no text ends a comment', () => {
  fc.assert(
    fc.property(text, (value) => {
      for (const line of comment([value]).trimEnd().split('\n')) expect(line).toMatch(/^#[ -~…]*$/)
    }),
  )
})
