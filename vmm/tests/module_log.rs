//! What the kernel says of modules that it refuses: programs learn an error number, the log says what is wrong.

#[path = "support/guest.rs"]
mod guest;
#[path = "support/shipped.rs"]
mod shipped;

use std::path::Path;

use vmm::image::ImageKind;

/// In the order in which the program `bad-modules` spoils a module, without what depends on the compiler's choices.
const REASONS: &[&str] = &[
    "module is refused: its table of sections does not lie in the file: cut off?",
    "module is refused: not a relocatable object for x86-64",
    "module hello is refused: unknown symbol `qrintk`",
    "module is refused: built for version 99 of the kernel's exports, expected 4",
    "module is refused: its section .modinfo holds no name",
    "module hello is refused: unknown relocation type 200",
    "passes the end of its section",
    "module fails is refused: its init function returned EBUSY",
    "module hello is loaded: 12288 bytes",
    "module hello is refused: a module of this name is loaded already",
    "module hello is removed",
    "module hello is not removed: ENOENT",
    "module hello has no parameters: word is ignored",
    "module hello has no parameters: name=value is ignored",
];

#[test]
fn the_log_says_why_each_module_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let image = guest::image(ImageKind::Shipped);
    let file = root.join("scenarios/modules/refused.json");
    let log = guest::run(image, &shipped::read(&file, image), &[]).log;
    let mut lines = log.iter();
    for reason in REASONS {
        let found = lines.any(|line| line.contains(reason));
        assert!(found, "expected {reason:?}, in this order, in {log:#?}");
    }
}
