/**
 * Paths the gateway keeps for itself, as services know them too.
 *
 * @module
 */
export { isReservedPath, isReservedPattern } from '@hydra-gateway/protocol'
