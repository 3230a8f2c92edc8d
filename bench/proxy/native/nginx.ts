/**
 * nginx: one process, connections to the service kept, access log buffered, forwarded headers as ours. Buffers
 * and limits as they come, except that it streams uploads as everybody else here does.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type Running } from '../../support/place.ts'
import { startProgram } from '../../support/program.ts'
import type { ProxyPlace } from '../stage.ts'

export async function startNginx(place: ProxyPlace): Promise<Running> {
  const port = await freePort()
  const file = join(place.folder, 'nginx.conf')
  writeFileSync(file, configuration(port, place))
  return startProgram('nginx', ['-c', file, '-p', place.folder], port, place)
}

function configuration(port: number, { backendPort, folder, logFile, tls }: ProxyPlace): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  return `
# One process that both serves and is ended: no worker can be left behind.
daemon off; master_process off; worker_processes 1;
pid ${folder}/pid; error_log stderr;
events { worker_connections 4096; }
http {
  ${temporary}
  log_format line '$time_iso8601 $remote_addr "$request" $status $body_bytes_sent $request_time $upstream_response_time';
  access_log ${logFile} line buffer=64k flush=1s;
  map $http_upgrade $onwards { default upgrade; '' ''; }
  upstream service { server 127.0.0.1:${backendPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl http2' : ''} backlog=4096;
    ${tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};` : ''}
    keepalive_requests 1000000000;
    client_max_body_size 0;
    proxy_request_buffering off;
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $onwards;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Real-IP $remote_addr;
    }
  }
}
`
}
