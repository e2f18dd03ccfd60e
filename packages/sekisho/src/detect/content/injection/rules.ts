import { IGNORE_PHRASES } from './ignore-phrases.ts'
import type { InjectionRule, ScoredChannel } from './rule.ts'

/** Who sets the rules, and who speaks by them. */
const OWN: readonly ScoredChannel[] = ['system', 'assistant', 'reply']
const SYSTEM: readonly ScoredChannel[] = ['system']

const SECRETS =
  'api[ -]?keys?|passwords?|credentials?|secrets?|tokens?|private keys?|ssh keys?|id_rsa|\\.env|environment variables|cookies|chat history|conversation|system prompt'

/** The forms of orders to a model, each with what it makes likely by itself. */
export const INJECTION_RULES: readonly InjectionRule[] = [
  {
    id: 'injection.ignore-instructions',
    permille: 950,
    except: SYSTEM,
    pattern: new RegExp(IGNORE_PHRASES.join('|')),
  },
  {
    id: 'injection.role-marker',
    permille: 700,
    except: OWN,
    // ChatML, Llama, Gemma, Phi, and what Claude Code puts into a user's turn
    pattern:
      /<\|(?:im_start|im_end|system|assistant|user|eot_id|start_header_id|endofprompt)\|>|\[\/?inst\]|<<\/?sys>>|<(?:start|end)_of_turn>|<\/?system-(?:reminder|message|prompt|override)>|\[system(?: message| override| prompt)?\]:?/,
  },
  {
    id: 'injection.role-line',
    permille: 500,
    except: [...OWN, 'user'],
    pattern: /\n\n(?:human|assistant|system): ?\S/,
  },
  {
    id: 'injection.fake-result',
    permille: 700,
    except: OWN,
    pattern:
      /<\/?(?:function_results?|function_calls?|tool_results?|tool_response|tool_output|antml:[a-z_]+)>|\b(?:the )?(?:user|operator|admin(?:istrator)?|human) (?:has |have )?(?:already )?(?:approved|authorized|authorised|confirmed|consented|granted permission)\b|(?:ユーザー|利用者|管理者)(?:は|が)(?:すでに|既に)?(?:承認|許可|確認)(?:済み|しました|している)/,
  },
  {
    id: 'injection.fake-verdict',
    permille: 600,
    except: OWN,
    pattern:
      /\b(?:security|safety|policy|injection|compliance) (?:check|scan|review|filter|evaluation)s?(?: result)?s? ?[:=-]? ?(?:has |have |was |were )?(?:passed|cleared|disabled|overridden|no threats?)\b|\b(?:judge|grader|evaluator|classifier)\b[^.\n]{0,40}\b(?:must|should|will) (?:score|rate|return|answer|mark|label|output)\b/,
  },
  {
    id: 'injection.addresses-model',
    permille: 600,
    except: OWN,
    pattern:
      /\b(?:attention|important|notice|instructions?|message|note|reminder)\s*(?:to|for|:)\s*(?:all |any |the )?(?:ai|a\.i\.|llms?|large language models?|language models?|ai (?:agents?|assistants?|models?)|coding agents?|chat ?bots?|claude|chatgpt|gpt|gemini|copilot|codex)\b|\bif you(?:'re| are) an? (?:ai|llm|language model|large language model|ai agent|ai assistant)\b|(?:ai|エーアイ|人工知能|言語モデル|llm)(?:アシスタント|エージェント|モデル)?(?:への(?:指示|命令|お願い|重要)|に告ぐ|の方は|は(?:次|以下)の)/,
  },
  {
    id: 'injection.prompt-leak',
    permille: 700,
    except: SYSTEM,
    pattern:
      /\b(?:reveal|print|show|repeat|output|display|leak|disclose|tell me|give me|write out|dump|share|recite|what (?:is|are|were))\s+(?:\w+\s+){0,4}?(?:your|the|hidden|initial|original|secret|above)\s+(?:\w+\s+){0,2}?(?:system prompts?|system messages?|hidden prompts?|initial (?:prompts?|instructions?)|secret instructions?|original instructions?|developer message|pre-?prompt)|(?:システムプロンプト|初期プロンプト|内部指示|秘密の指示)(?:を|の(?:全文|内容)を?)[^。\n]{0,12}(?:表示|出力|教え|見せ|開示|公開|書き出)|(?:显示|输出|打印|告诉我|泄露)[^。\n]{0,10}(?:系统提示|初始指令|系统指令)/,
  },
  {
    id: 'injection.secrecy',
    permille: 700,
    except: SYSTEM,
    pattern:
      /\b(?:do not|don'?t|never|without)\s+(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|alert(?:ing)?|notify(?:ing)?|reveal(?:ing)?|show(?:ing)?|disclos(?:e|ing)|let)\s+(?:\w+\s+){0,4}?(?:to\s+)?(?:the )?(?:user|human|operator|owner)\b|(?:ユーザー|利用者|人間|管理者)に(?:は|も)?[^。\n]{0,14}(?:知らせず|伝えず|言わず|見せず|知らせない|伝えない|言わない|報告しない|教えない|気付かれ|気づかれ|悟られ)|不要(?:告诉|通知|告知)用户/,
  },
  {
    id: 'injection.persona',
    permille: 700,
    except: SYSTEM,
    pattern:
      /\bdo anything now\b|\b(?:dan|developer|jailbreak|god|unrestricted|evil|chaos|admin|debug|sudo|root) mode\s*(?:is\s*)?(?:enabled|activated|on\b|unlocked|:)|\benter(?:ing)? (?:developer|dan|jailbreak|god|unrestricted|debug|admin) mode\b|\byou (?:are|will be|have been) (?:now )?(?:freed?|free|unrestricted|unfiltered|jailbroken|liberated)\b[^.\n]{0,60}|\b(?:without|no|free (?:of|from)) (?:any )?(?:ethical|moral|safety|content) (?:restrictions?|guidelines?|limits?|limitations?|filters?|constraints?|boundaries)\b|\bfrom now on,? you (?:are|will|must|should)\b|(?:開発者|無制限|脱獄|管理者|デバッグ)モード(?:を|に|が)(?:有効|起動|入|切り替|オン)|(?:今|いま|これ)から(?:あなたは|君は|お前は)[^。\n]{0,30}(?:です|になる|として|振る舞)/,
  },
  {
    id: 'injection.carry-out',
    permille: 700,
    except: SYSTEM,
    pattern: new RegExp(
      `\\b(?:send|upload|post|e-?mail|forward|exfiltrate|transmit|leak|append|include|embed|encode)\\s+(?:[\\w./~'-]{1,40}\\s+){0,6}?(?:${SECRETS})\\b[^\\n]{0,40}?\\b(?:to|in|at|via|with)\\b[^\\n]{0,24}?(?:https?:|@|\\burl\\b|\\bserver\\b|\\bwebhook\\b|\\battacker)|(?:apiキー|パスワード|認証情報|秘密鍵|トークン|環境変数|機密)[^。\\n]{0,24}(?:https?:|@|メール|外部|サーバー)[^。\\n]{0,24}(?:送信|送れ|送って|アップロード|転送)`,
    ),
  },
  {
    id: 'injection.before-anything',
    permille: 600,
    except: OWN,
    pattern:
      /\b(?:before (?:you |using |doing |answering |responding |calling |continuing )[^.\n]{0,60}(?:please |you must |first )(?:\w+ ){0,3}?(?:do the following|read|run|execute|call|send|open|fetch|visit)|this is an? (?:important|urgent|system|critical) (?:message|instruction|notice)s? (?:from|for|to))\b/,
  },
]
