#!/bin/sh
# Makes a certificate, and objects/ with all that the proxy reads without a cluster.
set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=echo.example.com \
  -addext subjectAltName=DNS:echo.example.com -keyout tls.key -out tls.crt 2> /dev/null
mkdir -p objects
cp gateway.yaml services.yaml local/slices.yaml objects/
cat > objects/secret.yaml <<END
apiVersion: v1
kind: Secret
metadata: { name: edge-tls, namespace: prod }
type: kubernetes.io/tls
data:
  tls.crt: $(openssl base64 -A -in tls.crt)
  tls.key: $(openssl base64 -A -in tls.key)
END
