//! The guest image of the workspace, for commands that are given no other.

use vmm::image::{self, GuestImage, ImageError, ImageKind, OtherWorkspace};
use vmm::printable::Printable;

/// The image, built when it is not there. Whoever stands in a folder that has a guest of its own is told, loudly, that it is not the one.
pub(super) fn image(kind: ImageKind) -> Result<GuestImage, ImageError> {
    if let Some(OtherWorkspace { stood_in, built }) = image::other_workspace()? {
        let [stood_in, built] = [stood_in, built].map(|folder| Printable::from(folder.display().to_string()));
        eprintln!(
            "WARNING: what is judged is NOT the guest of this folder.\n  \
             You are in     {stood_in}\n  \
             What is built  {built}\n  \
             To judge the guest of this folder, set RINGSIDE_WORKSPACE={stood_in}, or use the command that is built here \
             (cargo run -p vmm).\n"
        );
    }
    image::ensure(kind, &*image::to_stderr())
}
