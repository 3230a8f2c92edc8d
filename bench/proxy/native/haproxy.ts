/**
 * HAProxy: one thread, connections to the service kept, its HTTP log line by line to a file, forwarded headers
 * as ours.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type Running } from '../../support/place.ts'
import { startProgram } from '../../support/program.ts'
import type { ProxyPlace } from '../stage.ts'

export async function startHaproxy(place: ProxyPlace): Promise<Running> {
  const port = await freePort()
  const file = join(place.folder, 'haproxy.cfg')
  writeFileSync(file, configuration(port, place))
  return startProgram('haproxy', ['-db', '-f', file], port, place, { logsToStdout: true })
}

function configuration(port: number, { backendPort, tls }: ProxyPlace): string {
  return `
global
  nbthread 1
  maxconn 4096
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  http-reuse always
  timeout connect 1s
  timeout client 75s
  timeout server 60s
  timeout tunnel 1h
frontend visitors
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${tls.both} alpn h2,http/1.1` : ''} backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto ${tls ? 'https' : 'http'}
  http-request set-header X-Real-IP %[src]
  default_backend service
backend service
  server one 127.0.0.1:${backendPort} pool-max-conn 256
`
}
