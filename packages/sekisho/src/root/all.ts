import type { HeldRootSettings } from '../wire/root-settings.ts'
import { passphraseProvider } from './passphrase.ts'
import type { RootProvider } from './provider.ts'

/** Every place that a root key can be in. */
export const PROVIDERS: Readonly<Record<HeldRootSettings['provider'], RootProvider>> = {
  passphrase: passphraseProvider,
  pkcs11: passphraseProvider,
  tpm2: passphraseProvider,
}
