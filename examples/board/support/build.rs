//! Puts the linker's scripts where it looks for them.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    for script in ["memory.x", "device.x"] {
        fs::copy(script, folder.join(script))?;
        println!("cargo:rerun-if-changed={script}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-search={}", folder.display());
    Ok(())
}
