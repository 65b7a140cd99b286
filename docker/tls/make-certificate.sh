#!/bin/sh
# The API answers over HTTPS only. Until the operator brings a certificate, this makes one that vouches for itself,
# and makes it anew a month before it ends; the API reads it without a restart.
# Repeating it does nothing, and a certificate it has not made is left alone.
set -eu
umask 077

cd "${1:-/tls}"
if [ -e tls.crt ] && [ ! -e self-signed ]; then
  echo "tls.crt is not from here and stays"
  exit 0
fi
if openssl x509 -checkend 2592000 -noout -in tls.crt >/dev/null 2>&1; then
  exit 0
fi

# "server" is its name between the containers.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 397 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost,DNS:server,IP:127.0.0.1 \
  -keyout new.key -out new.crt
chmod 644 new.crt
# The account of the API's container.
chown 1000:1000 new.key new.crt
touch self-signed
mv new.key tls.key
mv new.crt tls.crt
