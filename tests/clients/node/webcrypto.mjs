// Node.js 18, which some distributions still have, keeps Web Crypto in a module.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
