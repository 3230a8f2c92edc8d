/**
 * Configuration and keys for tools around the gateway, without the gateway itself.
 *
 * @module
 */
export { type Config, type ConfigInput, defineConfig, parseConfig } from '../config.ts'
export { createKeys, KEYS_FILE, type Keys, KeysError, maskKey, readKeys } from '../keys.ts'
export { CONFIG_FILES } from './file.ts'
export { type ConfigFlags, type ConfigSources, type LoadedConfig, loadConfig } from './load.ts'
export { nearest } from './nearest.ts'
export { ConfigError, type ConfigProblem } from './problems.ts'
export { formatConfig, showConfig } from './show.ts'
