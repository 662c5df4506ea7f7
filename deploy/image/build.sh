#!/bin/sh
# Builds the image with what there is: docker, podman or buildah. Called by `make image`.
#   IMAGE     its name (crossplay:<version>)       BASE        another base image
#   BUILDER   docker, podman or buildah            BUILD_ARGS  more arguments for it
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
IMAGE=${IMAGE:-crossplay:$version}

if [ -z "${BUILDER:-}" ]; then
    if docker info >/dev/null 2>&1; then BUILDER=docker
    elif command -v podman >/dev/null; then BUILDER=podman
    elif command -v buildah >/dev/null; then BUILDER=buildah
    else echo "Neither docker (with its daemon) nor podman nor buildah is here: no image." >&2; exit 1
    fi
fi
# Only docker's own format keeps the health check of the Dockerfile.
case $(basename "$BUILDER") in podman | buildah) set -- --format docker ;; esac

# shellcheck disable=SC2086 # more arguments are several words
"$BUILDER" build "$@" ${BASE:+--build-arg "BASE=$BASE"} ${BUILD_ARGS:-} \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --file deploy/image/Dockerfile --tag "$IMAGE" .
echo "$IMAGE"
