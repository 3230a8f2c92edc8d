/**
 * Configuration for tools around the gateway, without the gateway itself.
 *
 * @module
 */
export { nearest } from '@hydra-gateway/protocol'
export { type Config, type ConfigInput, defineConfig, parseConfig } from '../config.ts'
export { CONFIG_FILES } from './file.ts'
export { IDENTITY_DATABASE } from './identity.ts'
export { type ConfigFlags, type ConfigSources, type LoadedConfig, loadConfig } from './load.ts'
export { ConfigError, type ConfigProblem } from './problems.ts'
export { formatReference, formatVariables } from './reference.ts'
export { formatConfig, type ShowOptions, showConfig } from './show.ts'
