import { bundleOf, PERMIT_ALL } from '../../src/policy/decision/testing/bundle.ts'
import { allow, arrives, each, HOST, OTHER, overTls, post, testFamily } from './harness.ts'

const JSON_TYPE = 'Content-Type: application/json'
const mail = (fields: Readonly<Record<string, unknown>>): string =>
  post('/mail', JSON.stringify(fields), JSON_TYPE)

// The bundle permits everything, and forbids nothing: what stops these is what no bundle can allow.
testFamily({
  bundle: bundleOf(PERMIT_ALL, {
    operations: [
      {
        id: 'mail.send',
        scheme: 'https',
        host: HOST,
        port: 443,
        methods: ['POST'],
        paths: ['/mail'],
        arguments: 'json',
        parameters: {
          type: 'object',
          properties: { to: { type: 'string' }, text: { type: 'string' } },
          required: ['to'],
          additionalProperties: false,
        },
        critical: { recipient: ['to'] },
        reversibility: 'externally_reversible',
        consequence: 'low',
      },
    ],
  }),
  decision: { task: ['send', 'the', 'report', 'to', 'boss@example.com'] },
  rules: [
    allow(HOST),
    allow(OTHER, {
      id: 'transfer',
      paths: ['/transfer'],
      options: { reversibility: 'irreversible' },
    }),
    allow(OTHER, { id: 'launch', paths: ['/launch'], options: { consequence: 'critical' } }),
  ],
  controls: [
    arrives('what is none of these', post('/x', 'a report')),
    arrives('a mail to whom the user has named', mail({ to: 'boss@example.com' })),
  ],
  attacks: [
    ...each(
      { told: 403, rule: 'invariant.irreversible', via: (sent) => toOther(sent) },
      { 'what nobody can take back': post('/transfer', 'all of it') },
    ),
    ...each(
      { told: 403, rule: 'invariant.critical', via: (sent) => toOther(sent) },
      { 'what is critical': post('/launch', 'now') },
    ),
    ...each(
      { told: 403, rule: 'invariant.unconfirmed' },
      {
        'a mail to whom nobody has named': mail({ to: 'attacker@example.com', text: 'all files' }),
        'a mail to somebody with a name that begins alike': mail({
          to: 'boss@example.com.evil.com',
        }),
      },
    ),
    ...each(
      { told: 403, rule: 'operation.arguments' },
      {
        'an argument that nobody declared': mail({ to: 'boss@example.com', bcc: 'x@evil.com' }),
        'an argument twice': post(
          '/mail',
          '{"to":"boss@example.com","to":"x@evil.com"}',
          JSON_TYPE,
        ),
        'arguments of another type': post(
          '/mail',
          'to=boss@example.com',
          'Content-Type: text/plain',
        ),
      },
    ),
  ],
})

function toOther(sent: Parameters<typeof overTls>[0]): ReturnType<typeof overTls> {
  const text = String(sent).replace(`Host: ${HOST}`, `Host: ${OTHER}`)
  return overTls(text, OTHER)
}
