#!/bin/sh
# Makes the namespace and the search attributes of src/contracts/search-attributes.ts (a test compares
# the two). Repeating it does nothing.
set -eu

namespace=${TEMPORAL_NAMESPACE:-default}

attempt=1
until temporal operator cluster health >/dev/null 2>&1; do
  if [ "$attempt" -ge 60 ]; then
    echo "the Temporal server at $TEMPORAL_ADDRESS does not become healthy" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep 1
done

# Finished rounds stay visible this long; the book keeps them for ever.
temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention 30d

# A new namespace takes some seconds until every part of the server knows it.
attempt=1
until known=$(temporal operator search-attribute list --namespace "$namespace" 2>/dev/null); do
  if [ "$attempt" -ge 60 ]; then
    echo "the namespace $namespace does not appear" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep 1
done

ensure() {
  if ! echo "$known" | grep -qw "$1"; then
    temporal operator search-attribute create --namespace "$namespace" --name "$1" --type "$2"
  fi
}

ensure Partner Keyword
ensure Connection Keyword
ensure Player Keyword
ensure Product Keyword
ensure Game Keyword
ensure RoundStatus Keyword
ensure BetIds KeywordList
