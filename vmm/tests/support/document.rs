//! Documents of this project that are made of what it does.

use std::fs;
use std::path::Path;

/// Fails unless the document in the tree is the one that has been made, which is left beside it then.
pub(crate) fn holds(document: &str, made: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
    let new = file.with_extension("md.new");
    if fs::read_to_string(&file).unwrap_or_default() == made {
        let _ = fs::remove_file(new);
    } else {
        fs::write(&new, made).expect("the folder of documents can be written to");
        panic!("{document} is not what it should be: read {document}.new, then rename it");
    }
}
