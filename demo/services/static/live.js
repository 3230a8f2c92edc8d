// The live corner of the home page: what the account service says over its WebSocket, once a second.
const corner = document.querySelector('[data-live]')

if (corner) {
  const show = (name, text) => {
    corner.querySelector(`[data-live-${name}]`).textContent = text
  }
  const phase = (name) => {
    for (const piece of corner.querySelectorAll('[data-phase]')) piece.hidden = piece.dataset.phase !== name
  }
  const open = () => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`)
    socket.onmessage = ({ data }) => {
      const { visitors, barrelLitres, clock } = JSON.parse(data)
      show('visitors', visitors.toLocaleString('en'))
      show('barrel', `${barrelLitres.toFixed(1)} l`)
      show('clock', clock)
      phase('on')
    }
    // A service that comes back is found within seconds, without all visitors asking in one instant.
    socket.onclose = () => {
      phase('away')
      setTimeout(open, 1000 + Math.random() * 1000)
    }
  }
  phase('asking')
  open()
}
