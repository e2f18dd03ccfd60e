import { expect, test } from 'vitest'
import { countMapped, countOwnIds, uidOutside } from './own-ids.ts'

const HOST = '         0          0 4294967295\n'
/** as unshare(1) makes it for user 1001 */
const USER = '         0       1001          1\n         1     100000      65535\n'

test.for([
  ['the host’s own namespace', HOST, Infinity],
  ['an ordinary user’s, with a subordinate range', USER, 65_536],
  ['one that has its user alone', '0 1001 1\n', 1],
  ['one with a hole: what comes behind it does not count', '0 1001 1\n5 100000 100\n', 1],
  ['one that has no root', '1000 1000 1\n', 0],
  ['one that nobody has mapped', '', 0],
  ['one with as many ids, of which none is the host’s root', '0 5 4294967295\n', 4_294_967_295],
] as const)('%s', ([, map, count]) => {
  expect(countMapped(map)).toBe(count)
})

test('these tests run as the host’s root', () => {
  expect(countOwnIds()).toBe(Infinity)
})

test.for([
  [HOST, 0, 0],
  [HOST, 70_901, 70_901],
  [USER, 0, 1001],
  [USER, 1, 100_000],
  [USER, 65_535, 165_534],
  [USER, 65_536, 65_536],
] as const)('of %j, %d is %d outside', ([map, uid, outside]) => {
  expect(uidOutside(uid, map)).toBe(outside)
})
