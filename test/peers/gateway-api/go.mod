// The definitions of the Gateway API's kinds, pinned. `npm run peers` copies them into .peers/gateway-api.
module fairlead.dev/peers/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3
