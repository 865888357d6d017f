//! Where flash and RAM are, and which linker script knows.

use std::{env, fs, path::Path};

fn main() {
    let target = env::var("TARGET").unwrap();
    let out = env::var("OUT_DIR").unwrap();
    let (script, memory) = match target.as_str() {
        "thumbv8m.main-none-eabi" => ("link.x", "m33.x"),
        arm if arm.starts_with("thumb") => ("link.x", "cortex-m.x"),
        _ => ("riscv.x", "riscv.x"),
    };
    let link = Path::new("link");
    let name = if script == "link.x" {
        "memory.x"
    } else {
        script
    };
    fs::copy(link.join(memory), Path::new(&out).join(name)).unwrap();
    fs::copy(link.join("handlers.x"), Path::new(&out).join("handlers.x")).unwrap();
    println!("cargo:rustc-link-search={out}");
    for argument in [&format!("-T{script}"), "-Thandlers.x", "--nmagic"] {
        println!("cargo:rustc-link-arg={argument}");
    }
    println!("cargo:rerun-if-changed=link");
}
