#!/usr/bin/env bash
# Bundle the libraries of package-lock.json into ../static/parquet.js: run after a change of a version, and commit what it writes.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --silent
licences=$(for name in hyparquet fzstd; do sed "1s/^/$name $(node -p "require('./node_modules/$name/package.json').version"): /" "node_modules/$name/LICENSE"; done)
npx esbuild parquet.entry.js --bundle --minify --format=esm --target=es2022 --legal-comments=none --banner:js="/*
$licences
*/" --outfile=../static/parquet.js
sha256sum package-lock.json ../static/parquet.js >SHA256SUMS
rm -r node_modules
