//! A module does the same before and after, on the real WasmEdge. (The service's own tests, which run on a rewritten
//! module, are the large proof; these hold the corners.)

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Writes 0, 1, 2 … to memory, copies `n` bytes from 200 on to 200 + `distance`, and returns how many of the bytes
/// from 0 to 1023 are not what they then have to be.
const COPIES: &str = r#"(module
  (memory 1)
  (func (export "wrong") (param $n i32) (param $distance i32) (result i32)
    (local $i i32) (local $to i32) (local $wrong i32) (local $expected i32)
    (loop $fill
      (i32.store8 (local.get $i) (local.get $i))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1024))))
    (local.set $to (i32.add (i32.const 200) (local.get $distance)))
    (memory.copy (local.get $to) (i32.const 200) (local.get $n))
    (local.set $i (i32.const 0))
    (loop $check
      (local.set $expected (local.get $i))
      (if (i32.lt_u (i32.sub (local.get $i) (local.get $to)) (local.get $n))
        (then (local.set $expected (i32.sub (local.get $i) (local.get $distance)))))
      (local.set $wrong (i32.add (local.get $wrong)
        (i32.ne (i32.load8_u (local.get $i)) (i32.and (local.get $expected) (i32.const 255)))))
      (br_if $check (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1024))))
    (local.get $wrong))
  (func (export "all") (result i32)
    (local $n i32) (local $distance i32) (local $wrong i32)
    (loop $lengths
      (local.set $distance (i32.const -150))
      (loop $distances
        (local.set $wrong (i32.add (local.get $wrong) (call 0 (local.get $n) (local.get $distance))))
        (local.set $distance (i32.add (local.get $distance) (i32.const 7)))
        (br_if $distances (i32.lt_s (local.get $distance) (i32.const 150))))
      (br_if $lengths (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 140))))
    (local.get $wrong)))"#;

/// Calls what stands at an index of the table, which has two types of functions, a gap, and an end.
const CALLS: &str = r#"(module
  (type $one (func (param i32) (result i32)))
  (table 6 6 funcref)
  (elem (i32.const 1) $double $nothing $square)
  (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $nothing)
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func (export "call") (param $index i32) (param $x i32) (result i32)
    (call_indirect (type $one) (local.get $x) (local.get $index))))"#;

#[test]
fn copies_of_every_length_and_overlap_are_right() {
    let (before, after) = modules("copies", COPIES);

    assert_eq!(result(&before, "all", &[]), "0");
    assert_eq!(result(&after, "all", &[]), "0");
}

#[test]
fn a_call_goes_to_the_function_at_its_index() {
    let (_, after) = modules("calls", CALLS);

    assert_eq!(result(&after, "call", &["1", "7"]), "14");
    assert_eq!(result(&after, "call", &["3", "7"]), "49");
}

#[test]
fn a_call_of_nothing_of_another_type_or_past_the_end_is_a_trap() {
    let (before, after) = modules("traps", CALLS);

    for index in ["0", "2", "4", "6", "-1", "2147483647"] {
        for module in [&before, &after] {
            assert!(!run(module, "call", &[index, "7"]).status.success(), "index {index} of {}", module.display());
        }
    }
}

#[test]
fn a_module_whose_table_can_change_is_refused() {
    let exported = CALLS.replace("(table 6", "(table (export \"t\") 6");

    let output = lower("exported", &exported).1;

    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the table of functions is not fixed"));
}

fn modules(name: &str, text: &str) -> (PathBuf, PathBuf) {
    let ((before, after), output) = lower(name, text);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (before, after)
}

fn lower(name: &str, text: &str) -> ((PathBuf, PathBuf), Output) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (before, after) = (folder.join(format!("{name}.wasm")), folder.join(format!("{name}-after.wasm")));
    fs::write(&before, wat::parse_str(text).unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wasmedge_lower")).args([&before, &after]).output().unwrap();
    ((before, after), output)
}

fn result(module: &Path, function: &str, arguments: &[&str]) -> String {
    let output = run(module, function, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

/// The function's result, by WasmEdge's interpreter.
fn run(module: &Path, function: &str, arguments: &[&str]) -> Output {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/wasmedge");
    let wasmedge = if unpacked.exists() { unpacked } else { "wasmedge".into() };
    Command::new(wasmedge).arg("--reactor").arg(module).arg(function).args(arguments).output().unwrap()
}
