#!/bin/sh
# Brings both databases of the Temporal server to the schema of this version. Repeating it does nothing;
# after a new version of the server it must run before the server starts.
set -eu

for database in temporal temporal_visibility; do
  case "$database" in
    temporal) schema=temporal ;;
    *) schema=visibility ;;
  esac
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$database" \
    setup-schema -v 0.0
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$database" \
    update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
