//! A service with the worst of bugs: it traps whenever it is started.

fn main() {
    panic!("on purpose");
}
