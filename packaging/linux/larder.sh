#!/bin/sh
exec /usr/lib/larder/node /usr/lib/larder/cli/larder.js "$@"
