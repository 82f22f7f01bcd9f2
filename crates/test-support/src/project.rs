//! The repository and the binary under test.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the repository.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The path of the binary under test, which cargo builds before the tests and benchmarks of its package.
///
/// # Panics
/// There is no such binary.
pub fn binary() -> PathBuf {
    let binary = env::var_os("CARGO_BIN_EXE_apim-keyless").map_or_else(next_to_the_test, PathBuf::from);
    assert!(binary.is_file(), "{} does not exist: cargo build builds it", binary.display());
    binary
}

/// The test runs as `target/<profile>/deps/<name>-<hash>`, and the binary is `target/<profile>/apim-keyless`.
fn next_to_the_test() -> PathBuf {
    let test = env::current_exe().expect("the path of this process is known");
    test.parent().and_then(Path::parent).expect("it is in a folder of a profile").join("apim-keyless")
}
