/**
 * Ports that a process has and does not serve: the processes it starts listen at them, one after the other or several
 * at once, and what waits in their queue is never lost in between (docs/decisions/013).
 *
 * `node:net` opens a port and takes connections from it in one step. Its cluster module has the two apart, and this is
 * the function it uses for that.
 *
 * @module
 */
import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { getSystemErrorName } from 'node:util'

export interface HeldPort {
  /** To be passed on. */
  readonly fd: number
  close(): void
}

interface Handle {
  readonly fd: number
  close(): void
  getsockname(out: object): number
}

type CreateHandle = (address: string, port: number, family: 4 | 6, fd: undefined, flags: 0) => Handle | number

const { _createServerHandle: createHandle } = net as unknown as {
  readonly _createServerHandle?: CreateHandle
}

/** Whether this Node has what it takes. */
export const canHoldPorts = typeof createHandle === 'function'

/** Opens a port; 0 takes any free one. Rejects with the system's error, the port in it, as `listen` does. */
export async function holdPort(port: number, host: string | undefined): Promise<HeldPort> {
  if (host !== undefined) {
    const { address, family } = await lookup(host)
    return bound(address, port, family === 6 ? 6 : 4)
  }
  try {
    return bound('::', port, 6)
  } catch (error) {
    // A machine without IPv6.
    if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    return bound('0.0.0.0', port, 4)
  }
}

const NO_IPV6: ReadonlySet<string> = new Set(['EINVAL', 'EAFNOSUPPORT', 'EADDRNOTAVAIL'])

function bound(address: string, port: number, family: 4 | 6): HeldPort {
  const handle = createHandle!(address, port, family, undefined, 0)
  if (typeof handle === 'number') throw failure(handle, address, port)
  // That a port is taken is kept back until somebody asks.
  const status = handle.getsockname({})
  if (status === 0) return handle
  handle.close()
  throw failure(status, address, port)
}

function failure(status: number, address: string, port: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`listen ${code}: ${address}:${port}`), { code, port })
}
