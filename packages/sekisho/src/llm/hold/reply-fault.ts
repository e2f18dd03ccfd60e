/** Rules by which a reply is refused whatever the bundle says. */
export type ReplyRule = 'llm.malformed' | 'llm.reply-too-long' | 'llm.unsupported'

/** Why the rest of a reply is refused; never leaves this directory. */
export class ReplyFault extends Error {
  readonly rule: ReplyRule

  constructor(rule: ReplyRule, reason: string) {
    super(reason)
    this.rule = rule
  }
}

export function malformed(reason: string): ReplyFault {
  return new ReplyFault('llm.malformed', reason)
}

export function oversize(reason: string): ReplyFault {
  return new ReplyFault('llm.reply-too-long', reason)
}
