import type { Detector } from '../detector.ts'
import { endsWithCrc } from './checksum.ts'
import { GITLEAKS, KINGFISHER } from './sources.ts'
import { tokens } from './token.ts'

/** Where packages and images are published. */
export const REGISTRIES: readonly Detector[] = [
  ...tokens('https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/', [
    ['npm-access', 'npm_[0-9A-Za-z]{36}', endsWithCrc],
  ]),
  // A macaroon whose location is pypi.org or test.pypi.org: serialised, its beginning is fixed.
  ...tokens('https://pypi.org/help/#apitoken', [
    ['pypi-upload', 'pypi-AgEIcHlwaS5vcmc[\\w-]{50,1000}'],
    ['pypi-test-upload', 'pypi-AgENdGVzdC5weXBpLm9yZw[\\w-]{50,1000}'],
  ]),
  ...tokens('https://guides.rubygems.org/api-key-scopes/', [
    ['rubygems-api', 'rubygems_[0-9a-f]{48}'],
  ]),
  ...tokens('https://doc.rust-lang.org/cargo/reference/publishing.html', [
    ['crates-io', 'cio[0-9A-Za-z]{32}'],
  ]),
  ...tokens('https://learn.microsoft.com/en-us/nuget/nuget-org/publish-a-package', [
    ['nuget-api', 'oy2[a-z0-9]{43}'],
  ]),
  ...tokens('https://github.com/clojars/clojars-web/wiki/Deploy-Tokens', [
    ['clojars-deploy', 'CLOJARS_[0-9a-f]{60}'],
  ]),
  ...tokens('https://docs.docker.com/security/access-tokens/', [
    ['docker-hub-personal', 'dckr_pat_[\\w-]{27}'],
    ['docker-hub-organization', 'dckr_oat_[\\w-]{32}'],
  ]),
  ...tokens('https://jfrog.com/help/r/jfrog-platform-administration-documentation/access-tokens', [
    ['artifactory-api', 'AKCp[A-Za-z0-9]{69}'],
    ['artifactory-reference', 'cmVmdGtuO[A-Za-z0-9]{55}'],
  ]),
  ...tokens('https://docs.redhat.com/en/documentation/openshift_container_platform/', [
    ['openshift-user', 'sha256~[\\w-]{43}'],
  ]),
  ...tokens('https://help.launchpad.net/API/SigningRequests', [
    ['snapcraft-macaroon', 'AgEUYXBpLnNuYXBjcmFmdC5pb[\\w-]{60,1000}'],
  ]),
  ...tokens(GITLEAKS, [
    ['readme-api', 'rdme_[a-z0-9]{70}'],
    ['thunderstore-api', 'tss_[A-Za-z0-9]{36}'],
  ]),
  ...tokens(KINGFISHER, [['jsr-api', 'jsrp?_[A-Za-z0-9]{32,64}']]),
]
