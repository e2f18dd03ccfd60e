/** Lists of rules that name formats which their issuers describe nowhere else, or not in full. */
export const GITLEAKS = 'https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml'
export const KINGFISHER =
  'https://github.com/mongodb/kingfisher/tree/main/crates/kingfisher-rules/data/rules'
export const NOSEY_PARKER =
  'https://github.com/praetorian-inc/noseyparker/tree/main/crates/noseyparker/data/default/builtin/rules'
