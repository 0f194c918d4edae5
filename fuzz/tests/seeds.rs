//! The seeds, and what else is in a folder named by `RWS_FUZZ_INPUTS`, through each target on stable: what a fuzzer
//! has found once is looked at in every run.

use std::path::{Path, PathBuf};

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 12] = [
    ("h1_request", rws_fuzz::h1_request::check),
    ("h1_response", rws_fuzz::h1_response::check),
    ("chunked", rws_fuzz::chunked::check),
    ("route", rws_fuzz::route::check),
    ("target", rws_fuzz::target::check),
    ("config", rws_fuzz::config::check),
    ("grpc_messages", rws_fuzz::grpc_messages::check),
    ("h2_connection", rws_fuzz::h2_connection::check),
    ("h2_frames", rws_fuzz::h2_frames::check),
    ("h2_heads", rws_fuzz::h2_heads::check),
    ("hpack", rws_fuzz::hpack::check),
    ("h1_connection_ops", rws_fuzz::h1_connection_ops::check),
];

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

#[test]
fn every_seed_passes() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let more = std::env::var_os("RWS_FUZZ_INPUTS").map(PathBuf::from);
    for (name, check) in TARGETS {
        let mut count = 0;
        for folder in
            [Some(seeds.join(name)), more.as_ref().map(|folder| folder.join(name))].into_iter().flatten()
        {
            for path in inputs(&folder) {
                println!("{}", path.display());
                let data = std::fs::read(&path).expect("a readable input");
                check(&data);
                // Cut short and turned around it is an input too.
                check(&data[..data.len() / 2]);
                count += 1;
            }
        }
        assert!(count > 2, "{name} has {count} seeds");
    }
}
