import { allow, arrives, each, EVIL, head, HOST, OTHER, testFamily } from './harness.ts'

const MISMATCH = { told: 421, rule: 'invariant.host-mismatch' }
const MALFORMED = { told: 400, rule: 'invariant.http-malformed' }

const to = (...hosts: string[]): string =>
  head('GET /public/a', ...hosts.map((host) => `Host: ${host}`))
const target = (text: string): string => head(`GET ${text}`, `Host: ${HOST}`)

const otherHosts = each(MISMATCH, {
  'Host is another allowed name': to(OTHER),
  'Host is a name that no rule allows': to(EVIL),
  'Host is a name below the dialled one': to(`x.${HOST}`),
  'Host is the dialled name below another': to(`${HOST}.${EVIL}`),
  'Host has another port': to(`${HOST}:8443`),
  'Host has a port that is the right one modulo 65536': to(`${HOST}:65979`),
  'Host has an empty port': to(`${HOST}:`),
  'Host has a signed port': to(`${HOST}:+443`),
  'Host has two ports': to(`${HOST}:443:443`),
  'Host has user information before another name': to(`${HOST}@${EVIL}`),
  'Host has another name as user information': to(`${EVIL}@${HOST}`),
  'Host ends in two dots': to(`${HOST}..`),
  'Host begins with a dot': to(`.${HOST}`),
  'Host is a list': to(`${HOST}, ${EVIL}`),
  'Host has a path': to(`${HOST}/x`),
  'Host has a query': to(`${EVIL}?${HOST}`),
  'Host has a fragment': to(`${EVIL}#${HOST}`),
  'Host has a backslash': to(`${HOST}\\@${EVIL}`),
  'Host is percent-encoded': to('api%2eexample.com'),
  'Host has a space in it': to(`${HOST} ${EVIL}`),
  'Host is empty': to(''),
  'Host is a wildcard': to('*.example.com'),
  'Host is in brackets': to('[::1]'),
  'Host is an address': to('127.0.0.1'),
  'Host is an address as one number': to('2130706433'),
  'Host has a Cyrillic letter': to(Buffer.from('аpi.example.com').toString('latin1')),
  'Host has an ideographic full stop': to(Buffer.from('api。example.com').toString('latin1')),
  'Host has a fullwidth letter': to(Buffer.from('ａpi.example.com').toString('latin1')),
  'Host is the punycode of a homograph': to('xn--pi-7kc.example.com'),
  'Host has a soft hyphen': to(Buffer.from('ap\u00adi.example.com').toString('latin1')),
  'two Hosts, the right one first': to(HOST, EVIL),
  'two Hosts, the right one last': to(EVIL, HOST),
})

const targets = each(MISMATCH, {
  'an absolute form with another name': target(`https://${OTHER}/public/a`),
  'an absolute form with the other scheme': target(`http://${HOST}/public/a`),
  'an absolute form with an unknown scheme': target(`ftp://${HOST}/public/a`),
  'an absolute form with another port': target(`https://${HOST}:8443/public/a`),
  'an absolute form with user information': target(`https://x@${HOST}/public/a`),
  'an absolute form with another name as user information': target(`https://${EVIL}@${HOST}/`),
  'an absolute form with the name as user information': target(`https://${HOST}@${EVIL}/`),
  'an absolute form with no name': target('https:///public/a'),
  'the right absolute form beside another Host': head(
    `GET https://${HOST}/public/a`,
    `Host: ${EVIL}`,
  ),
})

const malformed = each(MALFORMED, {
  'no Host': to(),
  'the same Host twice': to(HOST, HOST),
  'NUL in Host': to(`${HOST}\0.${EVIL}`),
  'a Host that is folded': to(`${HOST}\r\n .${EVIL}`),
  'a space before the colon of Host': head('GET /public/a', `Host : ${HOST}`),
  'an absolute form with a backslash': target(`https://${HOST}\\@${EVIL}/public/a`),
  'a target that is only an authority': target(`${HOST}:443`),
  'a target without its slash': target(`@${EVIL}/public/a`),
  'an asterisk': head('OPTIONS *', `Host: ${HOST}`),
})

testFamily({
  rules: [allow(HOST, { paths: ['/public/**', '/'] }), allow(OTHER)],
  controls: [
    arrives('a request whose names all agree'),
    arrives('a name in capitals with a dot and the port', to('API.Example.COM.:443')),
    arrives('an absolute form that says the same', target(`https://${HOST}/public/a`)),
  ],
  attacks: [...otherHosts, ...targets, ...malformed],
})
