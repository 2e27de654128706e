#!/bin/sh
# Build the peer in this folder: what Observable Framework fetches from a content network at build time comes from the same packages here.
set -e
export OBSERVABLE_TELEMETRY_DISABLE=true
npm install --no-package-lock --ignore-scripts --no-audit --no-fund --silent
for package in d3-dsv@3.0.2 htl@1.0.0 isoformat@0.2.1; do
  echo "export * from '${package%@*}';" > entry.mjs
  npx esbuild entry.mjs --bundle --format=esm --minify --log-level=error --outfile="src/.observablehq/cache/_npm/$package/_esm.js"
done
npx observable build > build.log
