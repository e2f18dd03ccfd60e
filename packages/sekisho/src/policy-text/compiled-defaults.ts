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
]

/** SHA-256 of that file */
export const DEFAULTS_DIGEST = 'c6dcc7ede0877f09544ec160e9fa6141aaa2fcfc1b98dd72bc80a048b751d10d'
