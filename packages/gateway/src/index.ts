/**
 * The Hydra gateway as a library: configuration in, a serving gateway out.
 *
 * @module
 */
export { type Config, ConfigError, type ConfigInput, defineConfig, parseConfig } from './config.ts'
export { createGateway, type Gateway, type Ports } from './gateway.ts'
export { createKeys, type Keys } from './keys.ts'
export { type Clock, systemClock } from './observe/clock.ts'
export { createLog, type Log } from './observe/log.ts'
export type { Store } from './store/store.ts'
export { type OpenedCertificates, openCertificates } from './tls/open.ts'
export { openStore } from './wiring/open-store.ts'
