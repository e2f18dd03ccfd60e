import type { HeldRootSettings } from '../wire/root-settings.ts'
import { passphraseProvider } from './passphrase.ts'
import { pkcs11Provider } from './pkcs11.ts'
import type { RootProvider } from './provider.ts'
import { tpmProvider } from './tpm.ts'

/** Every place that a root key can be in. */
export const PROVIDERS: Readonly<Record<HeldRootSettings['provider'], RootProvider>> = {
  passphrase: passphraseProvider,
  pkcs11: pkcs11Provider,
  tpm2: tpmProvider,
}
