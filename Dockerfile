# The control plane in one image: operator, webhook, server, the command line, and the steps of a release.
#   npm run build -- --images && docker build --build-arg TARGETARCH=amd64 -t mnemos .
# Everything that is copied was prepared by that command, so building needs no network and runs nothing.
# BASE: any image with Node 24 on its PATH, glibc, and CA certificates.
ARG BASE=node:24-bookworm-slim
FROM ${BASE}
ARG TARGETARCH=amd64
ARG VERSION=0.0.0
LABEL org.opencontainers.image.title="mnemos" \
      org.opencontainers.image.description="Control plane of MNEMOS: LLM work on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY dist/images/control-plane-${TARGETARCH}/ /app/
ENV NODE_ENV=production
# Numbers, so that the kubelet can see that it is not root.
USER 65532:65532
WORKDIR /app
ENTRYPOINT ["node", "/app/mnemos.mjs"]
CMD ["--help"]
