//! Empty on purpose: `wasmedge_hyper_rustls` asks for this crate and uses nothing of it. The real one brings seven others,
//! among them the whole of `regex`.
