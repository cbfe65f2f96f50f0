//! The least that a module can be: the floor under the service's memory.

fn main() {
    println!("hello");
    std::thread::sleep(std::time::Duration::from_secs(10));
}
