//! What fuzzing has found interesting is tried again with every run of the tests.

use std::fs;

use crate::prometheus_rules::shipped;

#[path = "../../fuzz/src/targets.rs"]
mod targets;

/// Bounds of what is kept in the tree, so that it stays quick to copy and to replay.
const FILES_MAX: usize = 300;
const BYTES_MAX: usize = 1 << 20;

#[test]
fn whatever_fuzzing_kept_still_holds() {
    let (mut files, mut bytes) = (0, 0);
    for (name, check) in targets::TARGETS {
        let before = files;
        for entry in fs::read_dir(shipped("fuzz/corpus").join(name)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            // A panic says which rule; the path says which input.
            println!("{}", path.display());
            check(&input);
            files += 1;
            bytes += input.len();
        }
        assert!(files > before, "nothing is kept for {name}");
    }
    assert!(files < FILES_MAX, "{files} files");
    assert!(bytes < BYTES_MAX, "{bytes} bytes");
}

#[test]
fn every_target_bears_input_of_no_kind_at_all() {
    let nasty: [&[u8]; 6] = [b"", b"\0", b"{", b"[[[[", b"\xff\xfe\0", b"\x1f\x8b\x08"];
    for (_, check) in targets::TARGETS {
        nasty.into_iter().for_each(check);
    }
}
