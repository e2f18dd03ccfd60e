import * as z from 'zod'
import { explainRepeated } from './explain-repeated.ts'
import { readKey } from './operators.ts'
import type { Problem, Read } from './problem.ts'
import { printable } from './problem.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'

/** Who begins sessions, and how they say yes to an action: `users.yaml`. */
export type UserEntry = {
  name: string
  uid: number
  groups: readonly string[]
  enabled: boolean
  /** Ed25519 public key, 32 bytes; null for a user who confirms nothing */
  key: Buffer | null
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const MAX_USERS = 10_000

const UsersSchema = z.strictObject({
  version: z.literal(1),
  users: z
    .array(
      z.strictObject({
        name: text(readUserName),
        uid: z.int().min(0).max(4_294_967_294),
        groups: z.array(text(readGroup)).max(64).default([]),
        enabled: z.boolean().default(true),
        key: text(readKey)
          .optional()
          .transform((key) => key ?? null),
      }),
    )
    .max(MAX_USERS),
})

/** @throws SekishoError CONFIG_INVALID with file, line and column */
export function parseUsers(source: string, path: string): readonly UserEntry[] {
  return readStrictFile(source, path, { schema: UsersSchema, check: checkUsers }).users
}

function checkUsers({ users }: { users: readonly UserEntry[] }): readonly Problem[] {
  return [
    ...explainRepeated(['users'], 'name', { items: users, keyOf: ({ name }) => name }),
    ...explainRepeated(['users'], 'uid', { items: users, keyOf: ({ uid }) => String(uid) }),
    // one person under two names would confirm what the other began
    ...explainRepeated(['users'], 'key', {
      items: users,
      keyOf: ({ key, name }) => key?.toString('base64') ?? `none of ${name}`,
    }),
  ]
}

/** `uid-1000` is what those are called who are not named. */
function readUserName(input: string): Read<string> {
  if (!NAME.test(input)) return { problem: `\`${printable(input)}\` is no name`, hint: NAME_HINT }
  if (!/^uid-\d/.test(input)) return { value: input }
  return { problem: `\`${input}\` is what a user without a name is called`, hint: NAME_HINT }
}

const NAME_HINT = 'use lower-case letters, digits, `.`, `_` and `-`, at most 64'

/** A group of Cedar's: `Sekisho::Group::"finance"`, `Sekisho::HostGroup::"mail"`. */
export function readGroup(input: string): Read<string> {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(input)) return { value: input }
  return {
    problem: `\`${printable(input)}\` is no name of a group`,
    hint: 'use letters, digits, `.`, `_` and `-`, at most 128',
  }
}
