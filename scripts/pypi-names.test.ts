import { expect, test } from 'vitest'
import { readFallback, renderNames } from './pypi-names.ts'

test('names are read once each, as PyPI spells them', () => {
  expect(
    readFallback('Zope.Interface python3-zope\nzope_interface x\n2ping 2ping\n-bad x\n'),
  ).toEqual(['2ping', 'zope-interface'])
})

test('the files hold every name, and none is longer than a file may be', () => {
  const names = Array.from({ length: 9000 }, (_, at) => `name-${at}`)
  const files = renderNames(names, 'a list')
  expect([...files.keys()]).toEqual(['part-1.ts', 'part-2.ts', 'part-3.ts', 'part-4.ts', 'all.ts'])
  const parts = [...files].filter(([name]) => name !== 'all.ts').map(([, text]) => text)
  expect(parts.flatMap((text) => text.match(/name-\d+/g) ?? [])).toEqual(names)
  expect(Math.max(...parts.map((text) => text.split('\n').length))).toBeLessThan(300)
  expect(files.get('all.ts')).toContain("source: 'a list'")
})
