#!/bin/sh
helm upgrade redis bitnami/redis --set auth.password="$PASSWORD"
