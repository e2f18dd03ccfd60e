/** Files that are run, or read as settings of what runs, when nobody asks for it. */
const PERSISTENT =
  /(?:^|\/)(?:\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zprofile|zshenv|zlogin|kshrc|cshrc|login|xprofile|xinitrc|xsession|pam_environment)|\.config\/fish\/\S+|\.config\/systemd\/user\/\S*|\.config\/autostart\/\S*|\.git\/hooks\/\S*|\.ssh\/(?:authorized_keys2?|rc|environment)|Library\/Launch(?:Agents|Daemons)\/\S*)$|^\/etc\/(?:profile|bash\.bashrc|environment|crontab|rc\.local|ld\.so\.preload|sudoers|passwd|shadow|zsh\/\S*|(?:profile\.d|cron\.\w+|init\.d|rc\d\.d|systemd|udev|sudoers\.d|ld\.so\.conf\.d|xdg\/autostart|pam\.d|apt\/apt\.conf\.d)\/\S*)$|^\/var\/spool\/(?:cron|at)\/\S*$|^\/(?:usr\/)?lib\/systemd\/\S*$/

/** Files that hold keys. Public halves and lists of known hosts are none. */
const CREDENTIALS =
  /(?:^|\/)(?:\.ssh(?:\/(?!known_hosts|config$|authorized_keys|[^/]*\.pub$)[^/]*)?|\.aws\/(?:credentials|config|sso\/\S*|cli\/\S*)|\.config\/gcloud\/\S+|\.azure\/\S+|\.kube\/config|\.docker\/config\.json|\.netrc|_netrc|\.pgpass|\.my\.cnf|\.git-credentials|\.config\/(?:git\/credentials|gh\/hosts\.yml|op\/\S+)|\.npmrc|\.pypirc|\.cargo\/credentials(?:\.toml)?|\.gem\/credentials|\.vault-token|\.terraform\.d\/credentials\S*|\.gnupg(?:\/\S*)?|\.password-store(?:\/\S*)?|\.claude\/\.credentials\.json|\.codex\/auth\.json|\.gemini\/oauth_creds\.json|\.local\/share\/(?:opencode\/auth\.json|keyrings\/\S*)|\.config\/(?:google-chrome|chromium)\/\S*(?:Login Data|Cookies)|\.mozilla\/firefox\/\S*(?:logins\.json|key4\.db))$|^\/etc\/g?shadow-?$|^\/proc\/(?:\d+|self|thread-self|\*|\[[^\]]*\]\*?)\/environ$|^\/(?:var\/)?run\/secrets\/\S*$/

/** Where clouds hand out keys to whoever asks, in the spellings that clients take. */
const METADATA =
  /^(?:[a-z][\w+.-]*:\/\/)?(?:[^@/\s]*@)?\[?(?:169\.254\.169\.254|169\.254\.170\.2|169\.254\.170\.23|100\.100\.100\.200|fd00:ec2::254|::ffff:169\.254\.169\.254|::ffff:a9fe:a9fe|metadata\.google\.internal|metadata\.goog|metadata|instance-data|2852039166|0xa9fea9fe|0xa9\.0xfe\.0xa9\.0xfe|0?251\.0?376\.0?251\.0?376|025177524776|169\.16689662|169\.254\.43518)\]?\.?(?=[:/?#]|$)/i

/** @param path as a command or a tool names it */
export function isPersistentPlace(path: string): boolean {
  return PERSISTENT.test(tidy(path))
}

/** @param path as a command or a tool names it */
export function isCredentialFile(path: string): boolean {
  return CREDENTIALS.test(tidy(path))
}

/** @param address a URL, or a host with or without a port and a path */
export function isMetadataAddress(address: string): boolean {
  return METADATA.test(address)
}

/** Without what changes nothing: `//`, `/./`, a directory that is left again, a slash at the end. */
function tidy(path: string): string {
  let text = path
    .replace(/^file:\/\//, '')
    .replace(/\/+/g, '/')
    .replace(/(?:\/\.)+(?=\/|$)/g, '')
  for (let i = 0; i < 16; i++) {
    const shorter = text.replace(/\/(?!\.\.\/)[^/]+\/\.\.(?=\/|$)/, '')
    if (shorter === text) break
    text = shorter
  }
  return text.length > 1 ? text.replace(/\/$/, '') : text
}
