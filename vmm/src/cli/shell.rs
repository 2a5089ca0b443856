//! Completions for shells and manual pages, both made from the arguments that there are.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use vmm::printable::Printable;

use super::output::StandardOutput;
use super::{Cli, Shown, Status, print_line, show};

/// The command's name.
const NAME: &str = "vmm";

/// For whom.
#[derive(Args)]
#[command(after_help = "\
Examples:
  vmm completions bash > ~/.local/share/bash-completion/completions/vmm
  vmm completions zsh  > \"${fpath[1]}/_vmm\"
  vmm completions fish > ~/.config/fish/completions/vmm.fish")]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Where to.
#[derive(Args)]
#[command(after_help = "\
Examples:
  vmm man ~/.local/share/man/man1     write the pages where `man vmm` finds them
  vmm man . && man ./vmm-run.1        read one of them")]
pub(super) struct ManArgs {
    /// The folder; it is made when it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints what a shell is to read.
pub(super) fn completions(args: &CompletionsArgs) -> Result<Status, Shown> {
    clap_complete::generate(args.shell, &mut offered(), NAME, &mut StandardOutput);
    Ok(Status::Passed)
}

/// The command without what it keeps for itself, which the scripts of some shells would offer.
fn offered() -> Command {
    let whole = Cli::command();
    let commands = whole.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments())
        .subcommands(commands)
}

/// Writes a page for the command and one for each of its subcommands, and names them.
pub(super) fn man(args: &ManArgs) -> Result<Status, Shown> {
    let folder = Printable::from(args.folder.display().to_string());
    write_pages(&args.folder).map_err(|error| {
        let error = io::Error::new(
            error.kind(),
            format!("cannot write manual pages to {folder}: {error}"),
        );
        show(&error)
    })?;
    print_line(&format!(
        "wrote manual pages to {folder}; `man {folder}/{NAME}.1` shows the first"
    ))?;
    Ok(Status::Passed)
}

fn write_pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
