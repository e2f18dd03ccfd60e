/**
 * “Ignore your instructions” in the languages that models know best, as the plain text has it: lower
 * case, without accents. A verb, what came before, what is to be ignored, in the order of the language.
 */
const OBJECT =
  'instructions?|instuctions?|iunstructions|prompts?|rules?|guidelines?|directions?|directives?|commands?|orders|programming|constraints|restrictions|safety|policies|system message'

export const IGNORE_PHRASES: readonly string[] = [
  `\\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|discard|neglect|pay no attention to|stop following|do not (?:follow|obey)|dont (?:follow|obey))\\s+(?:\\w+\\s+){0,5}?(?:previous|prior|above|preceding|earlier|initial|original|foregoing|system|existing|current|your|my|safety|these|those|all)\\s+(?:\\w+\\s+){0,4}?(?:${OBJECT})\\b`,
  '\\b(?:ignore|forget|disregard)\\s+(?:all|everything|anything)\\s+(?:\\w+\\s+){0,4}?(?:above|before|previously|prior|earlier|learned|told|said|instructed)\\b',
  '(?:これまで|それまで|いままで|今まで|以前|上記|前述|先ほど|以上|従来|元|最初|直前|すべて|全て|あらゆる|前)(?:の|に与えられた|までの|に受けた)?[^。\\n]{0,12}(?:指示|命令|プロンプト|ルール|規則|制約|指令|設定|会話)[^。\\n]{0,8}(?:無視|忘れ|破棄|取り消|無効|従わな|上書き|リセット)',
  '(?:指示|命令|プロンプト|ルール|制約)(?:を|は|には)(?:すべて|全て|全部|一旦|完全に)?(?:無視|忘れ|破棄|従わな)',
  '(?:忽略|无视|無視|忘记|忘記|不要理会|不用管|丢弃|抛弃)[^。\\n]{0,12}(?:指令|指示|提示|规则|規則|命令|要求|设定|限制)',
  '(?:이전|위의|위에|앞의|앞선|모든|지금까지|기존|시스템)[^.\\n]{0,14}(?:지시|명령|프롬프트|규칙|지침|설정)[^.\\n]{0,10}(?:무시|잊)',
  '\\b(?:ignorier\\w*|missacht\\w*|vergiss|vergessen sie|uberspring\\w*)\\b[^.\\n]{0,40}(?:anweisung|instruktion|befehl|vorgabe|regeln|richtlinien|davor|bisher|vorherig|zuvor|oben)',
  '\\b(?:ignore[rz]?|oublie[rz]?|ne (?:tiens|tenez) pas compte)\\b[^.\\n]{0,40}(?:instructions?|consignes?|directives?|regles?|precedent)',
  '\\b(?:ignora[r]?|ignore|olvida[r]?|olvide|omite|haz caso omiso)\\b[^.\\n]{0,40}(?:instrucciones|indicaciones|ordenes|reglas|directrices)',
  '\\b(?:ignore|esqueca|desconsidere|ignorar)\\b[^.\\n]{0,40}(?:instrucoes|regras|ordens|diretrizes|comandos)',
  '\\b(?:ignora|dimentica|ignorare|trascura)\\b[^.\\n]{0,40}(?:istruzioni|regole|direttive|comandi)',
  '\\b(?:negeer|vergeet)\\b[^.\\n]{0,40}(?:instructies|opdrachten|regels)',
  '\\b(?:zignoruj|ignoruj|zapomnij)\\b[^.\\n]{0,40}(?:instrukcj|polecen|zasad)',
  '(?:onceki|tum|yukaridaki)[^.\\n]{0,20}(?:talimat|komut|kural)[^.\\n]{0,16}(?:yok say|gormezden|unut)',
  '(?:игнориру|проигнориру|забудь|не обращай|отбрось)[^.\\n]{0,40}(?:инструкц|указани|правил|предыдущ|команд)',
  '(?:ігноруй|забудь)[^.\\n]{0,40}(?:інструкці|вказівк|правил)',
  '(?:تجاهل|انس|تجاوز)[^.\\n]{0,30}(?:التعليمات|الاوامر|الأوامر|القواعد)',
  '(?:पिछले|पिछली|सभी|ऊपर)[^।\\n]{0,24}(?:निर्देश|आदेश|नियम)[^।\\n]{0,20}(?:अनदेखा|भूल|नज़रअंदाज|ignore)',
  '\\b(?:pichle|pehle|sabhi|saare|purane|upar)\\b[^.\\n]{0,24}\\b(?:instructions?|nirdesh|rules|niyam|prompt)\\b[^.\\n]{0,16}\\b(?:ignore|bhool|bhul|hata)',
  '\\bbo qua\\b[^.\\n]{0,30}(?:huong dan|chi dan|lenh|quy tac)',
  '\\babaikan\\b[^.\\n]{0,30}(?:instruksi|perintah|aturan|arahan)',
]
