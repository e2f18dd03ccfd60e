import { expect, test } from 'vitest'
import { describeProblem, sortProblems } from '../policy/problem.ts'
import { readCedar } from './load-cedar.ts'
import type { OperationActions } from './schema.ts'

async function problemsOf(
  text: string,
  operations: OperationActions = new Map(),
): Promise<string[]> {
  const { problems } = await readCedar(new Map([['a.cedar', text]]), operations)
  return sortProblems(problems).map(describeProblem)
}

const HTTP = 'principal, action == Sekisho::Action::"http.request", resource'

test.for<[string, string, string]>([
  [
    'a word too few',
    'permit(principal, action resource);',
    '1:26: unexpected token `resource` (expected `!=`, `)`, `,`, `:`, `<`, `<=`, `==`, `>`, `>=`, `in`, or `is`)',
  ],
  [
    'an end too soon',
    'permit(principal, action, resource)\n',
    '1:36: unexpected end of input (expected `;` or identifier)',
  ],
  [
    'a string without an end',
    'permit(principal, action, resource) when { "abc };',
    '1:44: invalid token (try checking that all strings are closed properly)',
  ],
  [
    '= for ==',
    'permit(principal, action, resource) when { context.x = 1 };',
    "1:44: '=' is not a valid operator in Cedar (try using '==' instead)",
  ],
  [
    'a misspelt method',
    'permit(principal, action, resource) when { context.facts.grants.contain("a") };',
    '1:44: `contain` is not a valid method (did you mean `contains`?)',
  ],
  [
    'a template',
    'permit(principal == ?principal, action, resource);',
    '1:21: expected a static policy, got a template containing the slot ?principal (try removing the template slot(s) from this policy)',
  ],
  [
    'a misspelt attribute',
    `permit(${HTTP}) when { context.facts.integirty == "user" };`,
    '1:79: attribute `facts.integirty` in context for Sekisho::Action::"http.request" not found (did you mean `integrity`?)',
  ],
  [
    'an attribute of one action, asked of all, after text that is not ASCII',
    `// 日本\npermit(principal, action, resource)\nwhen { "é" != context.http.method };`,
    '3:15: attribute `http` not found for 19 of the actions that this policy is about (only http.request has it: write `action == Sekisho::Action::"http.request"`)',
  ],
  [
    'an attribute of one type, asked of all',
    'forbid(principal, action, resource) unless { principal.enabled };',
    '1:46: attribute `enabled` not found for 2 of the types of entities that this policy is about (only Sekisho::User has it: write `principal is Sekisho::User`, or test the type first)',
  ],
  [
    'a misspelt action',
    'permit(principal, action == Sekisho::Action::"http.reqest", resource);',
    '1:29: unrecognized action `Sekisho::Action::"http.reqest"` (did you mean `Sekisho::Action::"http.request"`?)',
  ],
  [
    'an action without its namespace',
    'permit(principal, action == Action::"http.request", resource);',
    '1:29: unrecognized action `Action::"http.request"` (did you mean `Sekisho::Action::"http.request"`?)',
  ],
  [
    'a misspelt type',
    'permit(principal in Sekisho::Agents::"a", action, resource);',
    '1:21: unrecognized entity type `Sekisho::Agents` (did you mean `Sekisho::Agent`?)',
  ],
  [
    'types that do not fit',
    `permit(${HTTP}) when { context.http.port == "80" };`,
    '1:79: the types Long and String are not compatible: both operands to a `==` expression must have compatible types',
  ],
  [
    'what may not be there',
    `permit(${HTTP}) when { context.facts.bytesLeft > 5 };`,
    '1:79: unable to guarantee safety of access to optional attribute `facts.bytesLeft` in context for Sekisho::Action::"http.request" (try testing for the attribute\'s presence with `context.facts has bytesLeft && ..`)',
  ],
  [
    'a scope that nothing is in',
    'permit(principal == Sekisho::Agent::"a", action, resource);',
    '1:1: this policy can never match: no action has such a principal and such a resource (try replacing `==` with `in` in the principal clause)',
  ],
  [
    'a condition that never holds',
    `permit(${HTTP}) when { context.http.upgrade && false };`,
    '1:1: this policy can never match (look for conditions that contradict each other, or delete it)',
  ],
  [
    'a word that there is not',
    `permit(principal, action, resource) when { context.facts.integrity == "trustd" };`,
    '1:71: integrity is never "trustd" (did you mean `trusted`?)',
  ],
  [
    'such a word in a set',
    `forbid(principal, action, resource) unless { ["low", "tiny"].contains(context.facts.consequence) };`,
    '1:54: consequence is never "tiny" (it is one of low, medium, high, critical)',
  ],
  [
    'somebody who says yes and is nobody',
    `forbid(principal, action, resource) unless { context.facts.approvals.contains("aprover") };`,
    '1:79: approvals is never "aprover" (did you mean `approver`?)',
  ],
  [
    'a name of an invariant',
    '@id("invariant.mine") permit(principal, action, resource);',
    "1:1: `invariant.mine` is a name of the platform's own rules (take another one)",
  ],
  [
    'an id with a space',
    '@id("a b") permit(principal, action, resource);',
    '1:1: `a b` is no id of a policy (want letters, digits, `.`, `_`, `/` and `-`, at most 96)',
  ],
  [
    'one id twice',
    '@id("a") permit(principal, action, resource);\n\n@id("a") forbid(principal, action, resource);',
    '3:1: a second policy `a`; the first is at a.cedar:1 (give each policy an @id of its own)',
  ],
  [
    'a misspelt annotation',
    '@id("a")\n@reson("x") permit(principal, action, resource);',
    '2:1: the annotation @reson means nothing here (did you mean `@reason`?)',
  ],
  [
    'brackets without end',
    `permit(principal, action, resource) when { ${'('.repeat(200)}true${')'.repeat(200)} };`,
    '1:1: this policy nests or chains too much (make several policies of it, or a set of a chain of ==)',
  ],
  [
    'text that runs backwards',
    '// \u202e\npermit(principal, action, resource);',
    '1:4: the character \\u{202e} is not allowed',
  ],
  [
    'a number that JSON does not keep',
    `permit(${HTTP}) when { context.http.port < 9223372036854775807 };`,
    '1:1: a number beyond ±9007199254740991, whose digits JSON does not keep, or no whole number',
  ],
])('%s is said with its place and what to do', async ([, text, expected]) => {
  expect(await problemsOf(text)).toEqual([`a.cedar:${expected}`])
})

test('what is wrong in several files is said at once, and what is right is read', async () => {
  const { policies, places, problems } = await readCedar(
    new Map([
      ['b.cedar', 'permit(principal, action, resource);\nforbid(principal, action resource);'],
      ['a/c.cedar', '@id("mine") @reason("x")\npermit(principal, action, resource);'],
      ['d.cedar', 'permit(principal, action, resource) when { context.factz.granted };'],
    ]),
  )
  expect(policies.map(({ id }) => id)).toEqual(['mine', 'b.cedar#1', 'd.cedar#1'])
  expect(policies[0]?.policy.annotations).toEqual({ id: 'mine', reason: 'x' })
  expect(places.get('b.cedar#1')).toEqual({ file: 'b.cedar', line: 1, column: 1 })
  expect(problems.map(({ file, line, policy }) => [file, line, policy])).toEqual([
    ['b.cedar', 2, null],
    ['d.cedar', 1, 'd.cedar#1'],
  ])
})

const MAIL: OperationActions = new Map([
  [
    'tool.call/mail.send',
    {
      memberOf: [{ id: 'tool.call' }],
      appliesTo: {
        principalTypes: ['Session', 'User'],
        resourceTypes: ['Tool'],
        context: {
          type: 'Record',
          attributes: {
            facts: { type: 'Facts', required: true },
            call: { type: 'Record', attributes: { operation: { type: 'String' } } },
            args: {
              type: 'Record',
              attributes: { to: { type: 'Set', element: { type: 'String' } } },
            },
          },
        },
      },
    },
  ],
])

test.for<[string, string, string[]]>([
  [
    'is known by its arguments',
    'forbid(principal, action == Sekisho::Action::"tool.call/mail.send", resource) when { context.args.to.contains("x@evil.example") };',
    [],
  ],
  [
    'is a tool call',
    'forbid(principal, action in Sekisho::Action::"tool.call", resource) when { context.call.operation == "mail.send" };',
    [],
  ],
  [
    'has no argument that its schema does not name',
    'forbid(principal, action == Sekisho::Action::"tool.call/mail.send", resource) when { context.args.bc.isEmpty() };',
    [
      'a.cedar:1:86: attribute `args.bc` in context for Sekisho::Action::"tool.call/mail.send" not found',
    ],
  ],
])('an operation %s', async ([, text, expected]) => {
  expect(await problemsOf(text, MAIL)).toEqual(expected)
})
