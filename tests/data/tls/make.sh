# Makes the certificates of the tests, valid from 2020 to 2120, and throws the key of the authority away.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/ca.cnf" <<EOF
[ca]
default_ca = test
[test]
database = $work/index
new_certs_dir = $work
serial = $work/serial
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
EOF
touch "$work/index"
openssl rand -hex 8 > "$work/serial"
request() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1" -out "$work/request" -subj "/CN=$2"
}
sign() {
  openssl ca -batch -notext -config "$work/ca.cnf" -startdate 20200101000000Z -enddate 21200101000000Z \
    -keyfile "$work/key" -in "$work/request" "$@"
}
request "$work/key" "Test authority"
sign -selfsign -extensions authority -out authority.pem
request server.key localhost
sign -cert authority.pem -extensions server -out server.pem
