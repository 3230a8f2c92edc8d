/**
 * nginx with Server Side Includes: it asks for all fragments at once.
 *
 * @module
 */
import { startNginx } from '../../support/nginx.ts'
import type { Running } from '../../support/place.ts'
import { PARTS } from '../page.ts'
import type { PagePlace } from '../stage.ts'

export function startNginxSsi(place: PagePlace): Promise<Running> {
  const { pagePort, partPorts } = place
  const services = Object.fromEntries(PARTS.map((part) => [`part${part}`, partPorts[part - 1]!]))
  const locations = PARTS.map((part) => `location /f${part} { proxy_pass http://part${part}; }`)
  return startNginx(place, {
    services: { page: pagePort, ...services },
    server: [...locations, 'location / { ssi on; proxy_pass http://page; }'].join('\n    '),
  })
}
