/**
 * nginx in front of the service.
 *
 * @module
 */
import { startNginx as start } from '../../support/nginx.ts'
import type { Running } from '../../support/place.ts'
import type { ProxyPlace } from '../stage.ts'

export function startNginx(place: ProxyPlace): Promise<Running> {
  const { backendPort, tls } = place
  const certificate = tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};` : ''
  return start(place, {
    services: { service: backendPort },
    listen: tls ? 'ssl http2' : '',
    server: `${certificate} location / { proxy_pass http://service; }`,
  })
}
