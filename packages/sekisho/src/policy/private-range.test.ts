import { expect, test } from 'vitest'
import { readPrivateRange } from './private-range.ts'

const HINT = 'write the range of the one network that the name is in'
const ZEROS = 'write 10.1.0.0/16, with nothing but zeros after the first 16 bits'

test.for<[string, string, string, string]>([
  ['one address without its length', '10.0.0.1', 'is not a range', ZEROS],
  ['an address within a block', '10.1.2.3/16', 'is not a range', ZEROS],
  ['everything', '0.0.0.0/0', 'holds metadata addresses', HINT],
  ['loopback', '127.0.0.0/8', 'holds loopback addresses', HINT],
  ['link-local', '169.254.7.0/24', 'holds link-local addresses', HINT],
  ['a metadata service', '169.254.169.254/32', 'holds metadata addresses', HINT],
  ['a range with a metadata service in it', '100.64.0.0/10', 'holds metadata addresses', HINT],
  ['all unique local addresses, with one too', 'fd00::/8', 'holds metadata addresses', HINT],
  [
    'public addresses',
    '93.184.216.0/24',
    'is not private',
    'a name with public addresses needs no range',
  ],
  [
    'a private block and its neighbours',
    '8.0.0.0/5',
    'is not private',
    'a name with public addresses needs no range',
  ],
  ['addresses that the gate makes up', '198.18.0.0/15', 'holds benchmarking addresses', HINT],
  ['mapped addresses', '::ffff:10.0.0.0/104', 'holds embeds-ipv4 addresses', HINT],
  ['NAT64', '64:ff9b::/96', 'holds embeds-ipv4 addresses', HINT],
  ['6to4', '2002:a00::/24', 'holds embeds-ipv4 addresses', HINT],
  ['loopback of IPv6', '::1/128', 'holds loopback addresses', HINT],
])('%s is no private range', ([, range, problem, hint]) => {
  expect(readPrivateRange(range)).toEqual({ problem: `\`${range}\` ${problem}`, hint })
})

test.for([
  '10.0.0.0/8',
  '10.1.2.3/32',
  '172.16.0.0/12',
  '192.168.7.0/24',
  '100.64.0.0/11',
  'fd12:3456::/32',
])('%s is one', (range) => {
  expect(readPrivateRange(range)).toEqual({ value: range })
})
