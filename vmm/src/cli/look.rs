//! `vmm look`: a prompt at a run.

use std::env;
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::slice;

use clap::{Args, CommandFactory};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};
use vmm::guest::{Record, Stretch};
use vmm::look::{Input, Look, LookAnswer, LookError, NoCommand};
use vmm::platform::{Choice, Reason};
use vmm::snapshots::Snapshots;
use vmm::trace::tree::{self, Selection};

use super::formats::colour;
use super::single::{Chosen, SingleArgs, scratch};
use super::trace::traces;
use super::{Shown, Status, emulated, print_line, show, show_as};

pub(super) const EXAMPLES: &str = "\
Examples:
  vmm look scenarios/cow.json                    at the first thing that is wrong, or at the end
  vmm look --step 12 scenarios/cow.json          where step 12 has ended
  vmm look -c 'diff 11 12' -c 'owners child:buf' --step 12 scenarios/cow.json
                                                 answers, and no prompt
  echo 'walk child:buf' | vmm look --step 12 scenarios/cow.json
                                                 commands from a pipe, a line each

At the prompt:
  steps, step N, next, back, show                where to look, and what the step did
  maps, frame, owners, walk, memory, registers   what there is
  diff, trace                                    what a step has changed, and how
  help, help COMMAND, quit

Exit status:
  0  everything that was asked has been answered, whatever the verdict of the run is
  2  the input is unusable: an argument, a scenario, a command that is no terminal's
  4  the harness or the host could not tell, or was interrupted
";

/// Name of the file with what was entered before, in the user's folder for such files.
const HISTORY: &str = "ringside/look-history";

/// What to look at.
#[derive(Args)]
pub(super) struct LookArgs {
    #[command(flatten)]
    single: SingleArgs,
    /// Begin where this step has ended: its number in the report, from 1; 0 is where the guest has booted. Without it, at the first step with which
    /// something is wrong, or at the end.
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// Answer this, and have no prompt. May be given more than once.
    #[arg(long = "command", short = 'c', value_name = "COMMAND")]
    commands: Vec<String>,
}

pub(super) fn look(args: &LookArgs) -> Result<Status, Shown> {
    let chosen = args.single.runner.choose()?;
    if let Choice::Emulated(reason) = &chosen.choice {
        return look_elsewhere(args, reason, &chosen);
    }
    let folder = scratch()?;
    let report = args.single.run_in(chosen, folder.path(), Record::SNAPSHOTS)?;
    let snapshots = Snapshots::read(folder.path()).map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let look = Look::new(report, snapshots, args.step, colour()).map_err(|error| show(&error))?;
    let mut prompt = Prompt { args, look };
    if !args.commands.is_empty() {
        return prompt.answer_all(args.commands.iter().cloned().map(Ok));
    }
    if !io::stdin().is_terminal() {
        return prompt.answer_all(io::stdin().lock().lines());
    }
    prompt.converse()
}

/// Answers where the guest runs: what is kept of its memory, of which there is much, stays there.
fn look_elsewhere(args: &LookArgs, reason: &Reason, chosen: &Chosen) -> Result<Status, Shown> {
    if args.commands.is_empty() {
        eprintln!(
            "error: the guest would run in an emulated machine, which has no prompt: name what to look at with --command, or choose \
             --platform kvm, where KVM can run it"
        );
        return Err(Shown(Status::UnusableInput));
    }
    emulated::announce(reason);
    let files = slice::from_ref(&args.single.file);
    let description = chosen.description.clone();
    emulated::call(&args.single.runner.guest, files, &chosen.image, description)
}

/// Somebody who asks.
struct Prompt<'a> {
    args: &'a LookArgs,
    look: Look,
}

/// Whether more is wanted.
enum Further {
    More,
    Nothing,
}

/// A line was not answered.
enum Unanswered {
    /// It is no command, or about something that there is not: this is told.
    Wrong(String),
    /// The command cannot go on.
    Over(Shown),
}

impl From<Shown> for Unanswered {
    fn from(shown: Shown) -> Unanswered {
        Unanswered::Over(shown)
    }
}

impl From<LookError> for Unanswered {
    fn from(error: LookError) -> Unanswered {
        Unanswered::Wrong(error.to_string())
    }
}

impl Prompt<'_> {
    fn answer(&mut self, line: &str) -> Result<Further, Unanswered> {
        let command = match Input::read(line) {
            Ok(Some(command)) => command,
            Ok(None) => return Ok(Further::More),
            Err(NoCommand::Help(help)) => {
                print_line(&help)?;
                return Ok(Further::More);
            }
            Err(NoCommand::Wrong(what)) => return Err(Unanswered::Wrong(what)),
        };
        match self.look.answer(&command)? {
            LookAnswer::Told(text) => print_line(&text)?,
            LookAnswer::Trace { step, depth } => self.trace(step, depth)?,
            LookAnswer::Quit => return Ok(Further::Nothing),
        }
        Ok(Further::More)
    }

    /// Has the scenario run once more, and the kernel followed in a step.
    fn trace(&self, number: usize, depth: Option<usize>) -> Result<(), Unanswered> {
        let report = self.args.single.run(Record::kernel(Stretch::Step(number)))?;
        let choice = Selection {
            depth,
            ..Selection::default()
        };
        let told: String = traces(&report)
            .into_iter()
            .map(|(step, trace)| format!("{step}\n{}", tree::lines(trace, &choice)))
            .collect();
        if told.is_empty() {
            return Err(Unanswered::Wrong(format!(
                "the kernel has not run in step {number}"
            )));
        }
        Ok(print_line(&told)?)
    }

    /// Answers what does not come from a terminal.
    fn answer_all(&mut self, lines: impl Iterator<Item = io::Result<String>>) -> Result<Status, Shown> {
        let mut status = Status::Passed;
        for line in lines {
            let line = line.map_err(|error| show_as(Status::UnusableInput, &error))?;
            match self.answer(&line) {
                Ok(Further::More) => {}
                Ok(Further::Nothing) => break,
                Err(Unanswered::Wrong(what)) => {
                    eprintln!("error: {line}: {what}");
                    status = Status::UnusableInput;
                }
                Err(Unanswered::Over(shown)) => return Err(shown),
            }
        }
        Ok(status)
    }

    /// Answers what somebody enters, until that is enough.
    fn converse(&mut self) -> Result<Status, Shown> {
        let cannot = |error: ReadlineError| show_as(Status::CouldNotTell, &error);
        let mut editor: Editor<Names, FileHistory> = Editor::new().map_err(cannot)?;
        let history = history();
        if let Some(history) = &history {
            // There is none the first time.
            let _ = editor.load_history(history);
        }
        print_line(&self.look.here())?;
        print_line("`help` lists what can be asked; `quit`, or Ctrl-D, ends.")?;
        loop {
            editor.set_helper(Some(Names::of(&self.look)));
            let line = match editor.readline(&format!("{}> ", self.look.moment())) {
                Ok(line) => line,
                // Ctrl-C drops the line, as in a shell.
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(cannot(error)),
            };
            if !line.trim().is_empty() {
                let _ = editor.add_history_entry(&line);
            }
            match self.answer(&line) {
                Ok(Further::More) => {}
                Ok(Further::Nothing) => break,
                Err(Unanswered::Wrong(what)) => eprintln!("{what}"),
                Err(Unanswered::Over(Shown(_))) => {}
            }
        }
        if let Some(history) = &history {
            let folder = history.parent().map_or(Ok(()), fs::create_dir_all);
            if let Err(error) = folder
                .map_err(ReadlineError::from)
                .and_then(|()| editor.save_history(history))
            {
                eprintln!(
                    "warning: what was entered is not kept in {}: {error}",
                    history.display()
                );
            }
        }
        Ok(Status::Passed)
    }
}

/// The file with what was entered before: in the user's folder for what programs remember, by the XDG Base Directory Specification.
fn history() -> Option<PathBuf> {
    let named = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(env::var_os("HOME")?).join(".local/state"));
    let folder = named.filter(|folder| folder.is_absolute()).or_else(usual)?;
    Some(folder.join(HISTORY))
}

/// What the Tab key completes: commands, and the names that there are.
struct Names {
    /// Each with a space behind it, for what it is about.
    commands: Vec<String>,
    names: Vec<String>,
}

impl Names {
    fn of(look: &Look) -> Names {
        let commands = Input::command();
        let commands = commands
            .get_subcommands()
            .map(|command| command.get_name().to_owned());
        Names {
            commands: commands
                .chain(["help".to_owned()])
                .map(|name| name + " ")
                .collect(),
            names: look.names(),
        }
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = &line[..position];
        let start = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let first_word = before.split_whitespace().next();
        let known = match before[..start].trim() {
            "" => &self.commands,
            "help" if first_word == Some("help") => &self.commands,
            _ => &self.names,
        };
        let begins = |name: &&String| name.starts_with(&before[start..]);
        Ok((start, known.iter().filter(begins).cloned().collect()))
    }
}

impl Helper for Names {}

impl Highlighter for Names {}

impl Hinter for Names {
    type Hint = String;
}

impl Validator for Names {}
