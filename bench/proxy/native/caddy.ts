/**
 * Caddy: one core for Go, connections to the service kept, access log as JSON lines to a file. It forwards
 * headers as ours by itself.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type Running } from '../../support/place.ts'
import { startProgram } from '../../support/program.ts'
import type { ProxyPlace } from '../stage.ts'

export async function startCaddy(place: ProxyPlace): Promise<Running> {
  const port = await freePort()
  const file = join(place.folder, 'Caddyfile')
  writeFileSync(file, configuration(port, place))
  const env = {
    GOMAXPROCS: '1',
    HOME: place.folder,
    XDG_DATA_HOME: place.folder,
    XDG_CONFIG_HOME: place.folder,
  }
  return startProgram('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], port, place, { env })
}

function configuration(port: number, { backendPort, folder, logFile, tls }: ProxyPlace): string {
  return `
{
	admin off
	auto_https off
	storage file_system ${folder}
	log {
		output stderr
		level ERROR
	}
}
${tls ? 'https' : 'http'}://:${port} {
	bind 127.0.0.1
	${tls ? `tls ${tls.cert} ${tls.key}` : ''}
	log {
		output file ${logFile} {
			roll_disabled
		}
		format json
	}
	reverse_proxy 127.0.0.1:${backendPort} {
		header_up X-Forwarded-Port ${port}
		header_up X-Real-IP {http.request.remote.host}
		transport http {
			keepalive 60s
			keepalive_idle_conns 256
			keepalive_idle_conns_per_host 256
			compression off
		}
	}
}
`
}
