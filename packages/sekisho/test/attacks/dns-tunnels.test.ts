import { type Attack, allow, arrives, EVIL, HOST, testFamily } from './harness.ts'
import { type Question, question, toldBy } from './question.ts'

const ask =
  (asked: Question): Attack['run'] =>
  async ({ wire }) =>
    toldBy(await wire.query(question(asked)))

/** As long as the length of a name lets it be: what a tunnel would carry in one question. */
const LOAD = Array.from({ length: 3 }, (_, index) => `${index}`.repeat(1).padEnd(60, 'mzxw6'))
const TYPES = { A: 1, NS: 2, CNAME: 5, NULL: 10, MX: 15, TXT: 16, AAAA: 28, SRV: 33, SVCB: 64 }
const MORE_TYPES = { HTTPS: 65, AXFR: 252, ANY: 255, 'a private type': 65_300 }

const denied = { told: 'NXDOMAIN', rule: 'default' }

const tunnels: Attack[] = Object.entries({ ...TYPES, ...MORE_TYPES }).map(([name, type]) => ({
  ...denied,
  name: `a name that carries data, asked for as ${name}`,
  run: ask({ name: `t${type}.${LOAD.join('.')}.${EVIL}`, type }),
}))

const names: Attack[] = [
  ['a name that no rule allows', EVIL],
  ['a name below an allowed one', `data.${HOST}`],
  ['an allowed name below another', `${HOST}.evil.example`],
  ['the parent of an allowed name', 'example.com'],
  ['a name of one label', 'localhost'],
  ['the root', '.'],
  ['the parent of a wildcard', 'cdn.example.com'],
  ['a wildcard’s name without its dot', 'xcdn.example.com'],
  ['a name for the reverse way', '254.169.254.169.in-addr.arpa'],
  ['a homograph in punycode', 'xn--pi-7kc.example.com'],
].map(([what = '', name = '']) => ({
  ...(name === '.' ? { told: 'NXDOMAIN', rule: 'invariant.host-name' } : denied),
  name: `a question for ${what}`,
  run: ask({ name, type: 1 }),
}))

const noNames: Attack[] = [
  { what: 'a label with a dot in it', labels: ['api.example.com'] },
  { what: 'a label with NUL in it', labels: ['api', 'example', 'com\0'] },
  { what: 'a label with bytes above ASCII', labels: ['\xd0\xb0pi', 'example', 'com'] },
  { what: 'a label with a space', labels: ['api ', 'example', 'com'] },
  { what: 'a label that begins with a hyphen', labels: ['-api', 'example', 'com'] },
  { what: 'an address as a name', labels: ['127', '0', '0', '1'] },
  { what: 'an address as one number', labels: ['2130706433'] },
  { what: 'an address in hexadecimal', labels: ['0x7f000001'] },
  { what: 'an address in octal', labels: ['0177', '0', '0', '01'] },
  { what: 'a short address', labels: ['127', '1'] },
].map(({ what, labels }) => ({
  name: `a question for ${what}`,
  run: ask({ labels, type: 1 }),
  told: 'NXDOMAIN',
  rule: 'invariant.host-name',
}))

const classes: Attack[] = [3, 4, 254, 255].map((class_) => ({
  name: `an allowed name, in class ${class_}`,
  run: ask({ name: HOST, type: 1, class: class_ }),
  told: 'NXDOMAIN',
  rule: 'invariant.dns-class',
}))

const overTcp =
  (asked: Question): Attack['run'] =>
  async ({ wire }) => {
    const socket = wire.dial('198.19.255.1', 53)
    const reply = new Promise<Buffer>((resolve) => socket.once('data', resolve))
    const message = question(asked)
    socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]))
    const answer = await reply
    socket.destroy()
    return toldBy(answer.subarray(2))
  }

const streams: Attack[] = Object.entries<Question>({
  'a name that carries data': { name: `tcp.${LOAD.join('.')}.${EVIL}`, type: 16 },
  'a zone transfer': { name: 'evil.example', type: 252 },
  'an incremental zone transfer': { name: 'evil.example', type: 251 },
}).map(([what, asked]) => ({ ...denied, name: `${what}, over TCP`, run: overTcp(asked) }))

/** An allowed name gets an answer, and still nobody outside is asked for it. */
const inside: Attack[] = [1, 16, 28, 65, 255].map((type) => ({
  name: `data in a name below a wildcard, asked for as type ${type}`,
  run: ask({ name: `${LOAD[0]}.t${type}.cdn.example.com`, type }),
  told: type === 1 ? 'NOERROR 1' : 'NOERROR 0',
  rule: 'cdn',
  record: [],
}))

testFamily({
  rules: [allow(HOST), allow('*.cdn.example.com', { id: 'cdn' })],
  controls: [arrives('a name that was resolved')],
  attacks: [...tunnels, ...names, ...noNames, ...classes, ...streams, ...inside],
})
