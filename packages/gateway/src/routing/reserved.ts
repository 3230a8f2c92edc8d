/**
 * Paths the gateway keeps for itself, as services know them too.
 *
 * @module
 */
export {
  isLoginPath,
  isLoginPattern,
  isReservedPath,
  isReservedPattern,
  isRouterPath,
  isRouterPattern,
} from '@hydra-gateway/protocol'
