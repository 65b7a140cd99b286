#!/bin/sh
# Runs once, when the volume is empty: one role and its own databases for each program, so that none of
# them can read another's.
set -eu

# Compose fills in nothing for a password that is not set; a role without one would be open to the network.
: "${ROUNDHOUSE_DB_PASSWORD:?set it in .env, see docker/compose.env.example}"
: "${TEMPORAL_DB_PASSWORD:?set it in .env, see docker/compose.env.example}"
: "${SANDBOX_DB_PASSWORD:?set it in .env, see docker/compose.env.example}"

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
  --set=roundhouse_password="$ROUNDHOUSE_DB_PASSWORD" \
  --set=temporal_password="$TEMPORAL_DB_PASSWORD" \
  --set=sandbox_password="$SANDBOX_DB_PASSWORD" <<'SQL'
CREATE ROLE roundhouse LOGIN PASSWORD :'roundhouse_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE ROLE sandbox LOGIN PASSWORD :'sandbox_password';
CREATE DATABASE roundhouse OWNER roundhouse;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE sandbox_provider OWNER sandbox;
CREATE DATABASE sandbox_partner OWNER sandbox;
REVOKE CONNECT ON DATABASE roundhouse, temporal, temporal_visibility, sandbox_provider, sandbox_partner
  FROM PUBLIC;
SQL
