#!/usr/bin/env bash
# Downloads the archive of a release, compares its checksum and unpacks it. For action.yml, which sets the variables
# ACTION_PATH, VERSION and RELEASES (both may be empty), REPOSITORY and FOLDER.
set -euo pipefail

RELEASES=${RELEASES:-$REPOSITORY/releases/download}
if [ -z "$VERSION" ]; then
    VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' "$ACTION_PATH/Cargo.toml")
fi
VERSION=${VERSION#v}
case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) os=windows ;;
esac
case $(uname -m) in
    aarch64 | arm64) architecture=arm64 ;;
    *) architecture=amd64 ;;
esac
archive=apim-keyless-$VERSION-$os-$architecture.tar.gz

mkdir -p "$FOLDER"
cd "$FOLDER"
for file in "$archive" SHA256SUMS; do
    curl --fail --silent --show-error --location --retry 3 --output "$file" "$RELEASES/v$VERSION/$file" || {
        echo "::error::Set input version to a release that has $archive, or input binary: cannot download $file"
        exit 2
    }
done
# macOS has no sha256sum
sum=$( (sha256sum "$archive" 2>/dev/null || shasum --algorithm 256 "$archive") | cut -d ' ' -f 1)
if ! grep --quiet --fixed-strings --line-regexp "$sum  $archive" SHA256SUMS; then
    rm "$archive"
    echo "::error::Do not use $archive: its checksum is not the one in SHA256SUMS"
    exit 2
fi
tar -xzf "$archive"
[ "$os" = windows ] && binary=$FOLDER/apim-keyless.exe || binary=$FOLDER/apim-keyless
echo "binary=$binary" >> "$GITHUB_OUTPUT"
"$binary" --version
