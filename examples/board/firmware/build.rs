//! Has the linker write down what it puts into the image: `firmware.map`, beside the image.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says so"));
    // OUT_DIR is PROFILE/build/firmware-HASH/out.
    let beside = out.ancestors().nth(3).expect("a folder of the profile");
    println!("cargo:rustc-link-arg-bins=-Map={}", beside.join("firmware.map").display());
}
