//! Rewrites two instructions that WasmEdge's ahead-of-time compiler turns into a call of the runtime, which costs more
//! than the work itself: `call_indirect` (30 ns; Rust's `dyn`, its futures and its formatting are made of it) and
//! `memory.copy` (12 ns, however short). What comes out does the same, is checked by the same rules, and runs on
//! every WebAssembly runtime.
//!
//! usage: wasmedge_lower IN.wasm OUT.wasm

mod indirect_calls;
mod memory_copies;

use anyhow::{Context, bail};
use walrus::Module;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else { bail!("usage: wasmedge_lower IN.wasm OUT.wasm") };
    let mut module = Module::from_file(input).with_context(|| format!("cannot read {input}"))?;
    let copies = memory_copies::lower(&mut module);
    let calls = indirect_calls::lower(&mut module)?;
    module.emit_wasm_file(output).with_context(|| format!("cannot write {output}"))?;
    eprintln!("{calls} indirect calls and {copies} memory copies rewritten");
    Ok(())
}
