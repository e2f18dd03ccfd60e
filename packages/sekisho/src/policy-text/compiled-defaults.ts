/** `policy/defaults.cedar` as Cedar's library gives it; `scripts/write-default-policies.ts` writes this. */
export const COMPILED_DEFAULTS: readonly { id: string; line: number; policy: string }[] = [
  {
    id: 'granted',
    line: 8,
    policy:
      '{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"granted"}}}],"annotations":{"id":"granted","reason":"the agent file allows it"}}',
  },
  {
    id: 'operators-administer',
    line: 13,
    policy:
      '{"effect":"permit","principal":{"op":"is","entity_type":"Sekisho::Operator"},"action":{"op":"in","entity":{"type":"Sekisho::Action","id":"admin"}},"resource":{"op":"All"},"conditions":[],"annotations":{"id":"operators-administer","reason":"operators look after the platform"}}',
  },
  {
    id: 'user-enabled',
    line: 21,
    policy:
      '{"effect":"forbid","principal":{"op":"is","entity_type":"Sekisho::User"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"unless","body":{".":{"left":{"Var":"principal"},"attr":"enabled"}}}],"annotations":{"id":"user-enabled","reason":"the user who began the session is disabled in users.yaml"}}',
  },
  {
    id: 'rule-of-two',
    line: 28,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"&&":{"left":{"&&":{"left":{"==":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"integrity"}},"right":{"Value":"untrusted"}}},"right":{"!=":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"confidentiality"}},"right":{"Value":"public"}}}}},"right":{"==":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"effect"}},"right":{"Value":"external"}}}}}},{"kind":"unless","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"approver"}}}}],"annotations":{"id":"rule-of-two","reason":"the session has read what is private and what anybody may have written, and this acts outside"}}',
  },
  {
    id: 'irreversible',
    line: 39,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"==":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"reversibility"}},"right":{"Value":"irreversible"}}}},{"kind":"unless","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"approver"}}}}],"annotations":{"id":"irreversible","reason":"it cannot be taken back"}}',
  },
  {
    id: 'consequence',
    line: 45,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"contains":{"left":{"Set":[{"Value":"high"},{"Value":"critical"}]},"right":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"consequence"}}}}},{"kind":"unless","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"approver"}}}}],"annotations":{"id":"consequence","reason":"its consequence is high or critical"}}',
  },
  {
    id: 'critical-intent',
    line: 51,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"==":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"consequence"}},"right":{"Value":"critical"}}}},{"kind":"unless","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"initiator"}}}}],"annotations":{"id":"critical-intent","reason":"its consequence is critical, so whoever began the session must want it"}}',
  },
  {
    id: 'unconfirmed',
    line: 59,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[{"kind":"unless","body":{"||":{"left":{"isEmpty":{"arg":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"unconfirmed"}}}},"right":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"initiator"}}}}}}],"annotations":{"id":"unconfirmed","reason":"no trusted source has named what decides where it strikes"}}',
  },
  {
    id: 'command-reverse-shell',
    line: 70,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"==","entity":{"type":"Sekisho::Action","id":"llm.tool-call"}},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"findings"}},"right":{"Value":"command.reverse-shell"}}}}],"annotations":{"id":"command-reverse-shell","reason":"the command hands a shell to whoever listens elsewhere"}}',
  },
  {
    id: 'command-unseen',
    line: 79,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"==","entity":{"type":"Sekisho::Action","id":"llm.tool-call"}},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"containsAny":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"findings"}},"right":{"Set":[{"Value":"command.remote-script"},{"Value":"command.encoded"},{"Value":"command.destroy"}]}}}},{"kind":"unless","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"approver"}}}}],"annotations":{"id":"command-unseen","reason":"the command runs what nobody has looked at, or destroys what no task brought"}}',
  },
  {
    id: 'command-after-untrusted',
    line: 97,
    policy:
      '{"effect":"forbid","principal":{"op":"All"},"action":{"op":"==","entity":{"type":"Sekisho::Action","id":"llm.tool-call"}},"resource":{"op":"All"},"conditions":[{"kind":"when","body":{"&&":{"left":{"==":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"integrity"}},"right":{"Value":"untrusted"}}},"right":{"containsAny":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"findings"}},"right":{"Set":[{"Value":"command.credential-read"},{"Value":"command.exfiltration"},{"Value":"command.persistence"}]}}}}}},{"kind":"unless","body":{"contains":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"facts"}},"attr":"approvals"}},"right":{"Value":"approver"}}}}],"annotations":{"id":"command-after-untrusted","reason":"after what anybody may have written, it reads keys, carries data out or plants something"}}',
  },
]

/** SHA-256 of that file */
export const DEFAULTS_DIGEST = 'bc1e578bd3643419bc92580ac2a19abf5b325acecc6829fccdc5f578c9678517'
