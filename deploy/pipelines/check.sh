#!/usr/bin/env bash
# Runs check with annotations, and once more for a SARIF report if one is wanted. For action.yml, which sets the variables
# BINARY, PATHS, ARGUMENTS and SARIF.
set -uo pipefail

words=()
while IFS= read -r line; do
    line=${line%$'\r'}
    [ -z "$line" ] || words+=("$line")
done <<< "$ARGUMENTS
$PATHS"

if [ -n "$SARIF" ]; then
    # its exit code and its messages are those of the run below
    "$BINARY" check "${words[@]}" --output sarif > "$SARIF" 2> /dev/null
fi
"$BINARY" check "${words[@]}" --output github
code=$?
echo "exit-code=$code" >> "$GITHUB_OUTPUT"
exit "$code"
