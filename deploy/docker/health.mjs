// Asks the gateway in this container how it is; ends with 0 or 1. There is no curl in the image.
//
// It is asked at its control port if it has one, else at its public port; with certificates over TLS, whoever they
// vouch for. Ports that stand in a configuration file are not read: HEALTH_URL says where it is then.
import { get } from 'node:http'
import { get as getSecurely } from 'node:https'

const { HEALTH_URL, HYDRA_CONTROL_PORT, HYDRA_TLS_CERT, PORT } = process.env
const scheme = HYDRA_TLS_CERT && !HYDRA_CONTROL_PORT ? 'https' : 'http'
const url = HEALTH_URL || `${scheme}://127.0.0.1:${HYDRA_CONTROL_PORT || PORT || 8080}/health`

const done = (status, sentence) => {
  console.log(sentence)
  process.exit(status)
}
const ask = url.startsWith('https:') ? getSecurely : get
ask(url, { timeout: 2000, rejectUnauthorized: false }, (answer) => {
  done(answer.statusCode === 200 ? 0 : 1, `${url} answered ${answer.statusCode}`)
})
  .on('timeout', () => done(1, `${url} did not answer within 2 s`))
  .on('error', ({ message }) => done(1, `${url}: ${message}`))
