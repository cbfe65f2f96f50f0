# Debian's own toolchain builds the module and compiles it ahead of time; the image that is kept has WasmEdge, the module,
# and what names need to resolve.
FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates cargo clang libstd-rust-dev-wasm32 lld wasi-libc wasmedge \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# Debian's Rust comes without a linker for wasm.
ENV CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld
# The dependencies first, on an empty program: this layer stays until Cargo.lock changes.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY template/Cargo.toml template/
RUN mkdir src template/src && echo 'fn main() {}' >template/src/main.rs \
    && echo '//!' | tee src/lib.rs >src/main.rs && echo 'fn main() {}' >>src/main.rs \
    && cargo build --release --locked --target wasm32-wasip1 \
    && cargo build --release --locked --package wasmedge_lower
COPY src src
COPY sql sql
COPY orders.json update_order.json ./
COPY scripts/compile.sh scripts/wasmedge.sh scripts/container.sh scripts/
RUN touch src/main.rs src/lib.rs && cargo build --release --locked --target wasm32-wasip1 \
    && scripts/compile.sh target/wasm32-wasip1/release/order_demo_service.wasm /app/compiled.wasm \
    && cp target/wasm32-wasip1/release/order_demo_service.lowered.wasm /app/module.wasm \
    && scripts/container.sh processor >/app/compiled-for

FROM debian:trixie-slim AS runtime
# netbase has /etc/services, without which WasmEdge finds no host by name. An init is not needed: the launcher is
# process 1, hears SIGTERM, and waits for its children.
RUN apt-get update && apt-get install -y --no-install-recommends netbase wasmedge \
    && rm -rf /var/lib/apt/lists/*

FROM runtime
COPY --from=build /app /app
COPY scripts/serve.sh scripts/drain.sh scripts/container.sh scripts/healthcheck.sh /app/
USER 65534:65534
ENV ADMIN_BIND=127.0.0.1:8081
EXPOSE 8080
HEALTHCHECK --interval=2s --timeout=3s --start-period=60s CMD ["/app/healthcheck.sh"]
ENTRYPOINT ["/app/container.sh"]
CMD ["serve"]
