#!/bin/sh
# Creates a minimal replacement for the image "node:…-slim" in the folder $1, from files of this machine: Node.js ($2) with npm,
# a shell, and the programs that the Dockerfile uses. $3 is a file with CA certificates.
set -eu
root=$1 node=$2 certificates=$3
npm=$(dirname "$(dirname "$(realpath "$(dirname "$node")/npm")")")

mkdir -p "$root"
cd "$root"
mkdir -p usr/bin usr/lib usr/local/bin usr/local/lib/node_modules etc/ssl/certs home/node root/.npm run tmp var/lib proc sys dev lib64
chmod 1777 tmp
ln -s usr/bin bin
ln -s usr/lib lib
cp -L "$node" usr/local/bin/node
cp -R "$npm" usr/local/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js usr/local/bin/npm
programs="$(command -v sh) $(command -v env) $(command -v mkdir) $(command -v chown)"
for program in $programs; do cp -L "$program" usr/bin/; done
# Libraries keep their paths. The last ones are for name resolution.
for library in $(ldd "$node" $programs | grep -oE '/[^ :]+\.so[^ :]*' | sort -u) /lib/*-linux-gnu*/libnss_files.so.2 /lib/*-linux-gnu*/libnss_dns.so.2; do
  mkdir -p ".$(dirname "$library")"
  cp -L "$library" ".$library"
done
cp -L "$certificates" etc/ssl/certs/ca-certificates.crt
printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n' >etc/passwd
printf 'root:x:0:\nnode:x:1000:\n' >etc/group
echo 'hosts: files dns' >etc/nsswitch.conf
touch etc/hosts etc/hostname etc/resolv.conf
