#!/bin/sh
# Runs the pipeline and keeps its one line. Safe to start at any time, and more than once.
set -u
exec kconnect run /opt/kconnect/kconnect.toml "$@" 2>>/var/log/kconnect/events.log
