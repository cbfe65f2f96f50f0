//! Asks for a page over HTTPS, from inside WasmEdge:
//!
//! ```console
//! $ cargo build --release --target wasm32-wasip1 -p wasmedge_rustls_api --example get
//! $ wasmedge --dir /certificates:FOLDER:readonly --env SSL_CERT_FILE=/certificates/ca.pem \
//!       target/wasm32-wasip1/release/examples/get.wasm https://localhost:8443/
//! ```

#[cfg(all(target_os = "wasi", target_env = "p1"))]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: get URL");
        std::process::exit(2)
    };
    // In a task of its own: WasmEdge's tokio sleeps on when a task wakes the future of `main` itself.
    tokio::spawn(async {
        let code = match get(url).await {
            Ok(text) => {
                println!("{text}");
                0
            }
            Err(error) => {
                // One that stands among the causes of `error` says what is wrong with the certificate.
                match wasmedge_rustls_api::find::<wasmedge_rustls_api::TlsError>(&error) {
                    Some(fault) => eprintln!("{fault}"),
                    None => eprintln!("{error}"),
                }
                1
            }
        };
        std::process::exit(code)
    });
    std::future::pending().await
}

#[cfg(all(target_os = "wasi", target_env = "p1"))]
async fn get(url: String) -> reqwest::Result<String> {
    reqwest::get(url).await?.error_for_status()?.text().await
}

#[cfg(not(all(target_os = "wasi", target_env = "p1")))]
fn main() {
    eprintln!("this is for the target wasm32-wasip1");
}
