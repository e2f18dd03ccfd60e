import { expect } from 'vitest'
import { bundleOf, PERMIT_ALL } from '../../src/policy/decision/testing/bundle.ts'
import { allow, type Attack, head, HOST, overTls, testFamily } from './harness.ts'
import { TOKEN } from './planted.ts'

const RULE = 'invariant.irreversible'
const DETECTOR = 'secret.gitlab-pat'
const recovery = { method: 'PUT', path: null } as const

/** What a GET of each page comes to; any other method is done. */
const ANSWERS: Readonly<Record<string, { status: number; headers: Record<string, string> }>> = {
  '/broken': { status: 500, headers: {} },
  '/closed': { status: 403, headers: {} },
  '/moved': { status: 302, headers: { location: '/page' } },
  '/part': { status: 206, headers: { 'content-range': 'bytes 0-0/9' } },
  '/empty': { status: 204, headers: {} },
  '/coded': { status: 200, headers: { 'content-encoding': 'zstd' } },
}

const deleting = (path: string): string => head(`DELETE ${path}`, `Host: ${HOST}`)
const writing = (method: string, path: string): string =>
  `${head(`${method} ${path}`, `Host: ${HOST}`, 'Content-Length: 3')}all`

/** What the platform cannot read is not changed: nothing but its own look leaves. */
function unreadable(name: string, path: string, sent = deleting(path)): Attack {
  return {
    name,
    run: overTls(sent),
    told: 403,
    rule: RULE,
    record: [`allow platform.pre-image,${HOST}`, `deny ${RULE}`, 'failed STATE_UNKNOWN'],
    arrived: [`GET ${HOST}${path}`],
  }
}

// The bundle permits everything: what stops these is that they could not be taken back.
testFamily({
  bundle: bundleOf(PERMIT_ALL),
  rules: [allow(HOST, { options: { recovery, treatments: { [DETECTOR]: 'hold' } } })],
  prepare: ({ outside }) => {
    outside.reply = ({ method, url }) =>
      (method === 'GET' ? ANSWERS[url] : undefined) ?? 'the text of a page'
  },
  controls: [
    {
      name: 'what was read and kept is deleted',
      run: async (world) => {
        const count = world.outside.requests.length
        expect(await overTls(deleting('/page'))(world)).toBe('200')
        expect(world.outside.requests.slice(count).map(({ method }) => method)).toEqual([
          'GET',
          'DELETE',
        ])
      },
    },
  ],
  attacks: [
    unreadable('a DELETE of what its server does not show', '/broken'),
    unreadable('a DELETE of what this session may not see', '/closed'),
    unreadable('a DELETE of what is elsewhere', '/moved'),
    unreadable('a DELETE of what is shown in part', '/part'),
    unreadable('a DELETE of what has no content to keep', '/empty'),
    unreadable('a DELETE of what is shown in a coding that was not asked for', '/coded'),
    unreadable('a PUT over what its server does not show', '/broken', writing('PUT', '/broken')),
    unreadable('a PATCH of what its server does not show', '/broken', writing('PATCH', '/broken')),
    {
      name: 'a secret in the URL of a DELETE, to be carried out by the look before it',
      run: overTls(deleting(`/page?key=${TOKEN}`)),
      told: `403 ${RULE}, detect.${DETECTOR}`,
      rule: `${RULE},detect.${DETECTOR}`,
    },
  ],
})
