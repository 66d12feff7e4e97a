#!/usr/bin/env bash
# The keys that bundles are signed with: keys.sh DIR. Makes a builder's own authority and release key when DIR has none;
# a manufacturer puts his there: keyring.pem (all authorities that a box shall trust: the old one too while keys are
# rotated), release.pem and release.key. The keyring is part of the image, so the same keys belong to the same digest.
set -euo pipefail
DIR=$1
[ -s "$DIR/keyring.pem" ] && [ -s "$DIR/release.pem" ] && [ -s "$DIR/release.key" ] && exit 0
mkdir -p "$DIR"
chmod 700 "$DIR"
cd "$DIR"
umask 077
days=7300
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj "/O=Callbox builder/CN=Authority" \
  -addext "keyUsage=critical,keyCertSign,cRLSign" -addext "basicConstraints=critical,CA:TRUE" \
  -keyout authority.key -out keyring.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=Callbox builder/CN=Release" \
  -keyout release.key -out release.csr 2>/dev/null
openssl x509 -req -in release.csr -CA keyring.pem -CAkey authority.key -CAcreateserial -days $days -out release.pem \
  -extfile <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\nbasicConstraints=CA:FALSE\n') 2>/dev/null
rm -f release.csr
chmod 644 keyring.pem release.pem
