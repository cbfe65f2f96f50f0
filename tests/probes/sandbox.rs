//! Says what a module sees of its host: a line for each variable, one for each folder that it was given, and whether
//! it can read what every process on the host could.

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    /// 0 when this descriptor is a folder that the host has opened for the module.
    fn fd_prestat_get(descriptor: u32, folder: *mut [u32; 2]) -> u16;
}

fn main() {
    for (name, value) in std::env::vars() {
        println!("variable {name}={value}");
    }
    for descriptor in 0..64 {
        let mut folder = [0; 2];
        if unsafe { fd_prestat_get(descriptor, &mut folder) } == 0 {
            println!("folder {descriptor}");
        }
    }
    if let Some(file) = std::env::var_os("SSL_CERT_FILE").map(std::path::PathBuf::from) {
        let folder = std::fs::read_dir(file.parent().unwrap()).unwrap();
        println!("beside it: {:?}", folder.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>());
        println!("reads {:?}", std::fs::read_to_string(&file).unwrap());
        println!("can write it: {}", std::fs::write(file, "").is_ok());
    }
    println!("can read /etc/passwd: {}", std::fs::read("/etc/passwd").is_ok());
    println!("can list /: {}", std::fs::read_dir("/").is_ok());
}
