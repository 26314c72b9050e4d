#!/bin/sh
# Drains new files into a Delta table. Safe to start at any time, and more than once.
set -u
exec kconnect stream \
  --from json:/data/incoming --to delta:/data/events --checkpoint /var/lib/kconnect/events --trigger available-now \
  --schema 'time:datetime, device:string, level:string, message:string' \
  -o minFileAge='5 seconds' -o mode=DROPMALFORMED -o badRecordsPath=/data/bad \
  --query 'where level != "debug"' --timeout '4 minutes' \
  --metrics-file /var/lib/node_exporter/kconnect_events.prom \
  --on-failure 'logger -t kconnect -p user.err "$KCONNECT_ERROR"' \
  2>>/var/log/kconnect/events.log
