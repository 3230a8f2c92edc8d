import { defineConfig } from '@hydra-gateway/gateway'

export default defineConfig({
  lease: { ttl: '5s' },
  services: {
    orders: { url: 'http://localhost:3002', routes: ['/orders/**'] },
  },
})
