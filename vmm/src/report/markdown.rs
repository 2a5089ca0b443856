//! Markdown, for summaries and comments: a table of all scenarios, and below it what is wrong with those that did not pass.

use std::fmt::Write;
use std::io;

use super::told::{Case, Group, Told};
use super::{Line, Verdict};
use crate::finding::Finding;

pub(super) fn render(told: &Told) -> io::Result<String> {
    Ok(summary(told))
}

/// Also what GitHub shows as the summary of a job.
pub(super) fn summary(told: &Told) -> String {
    let mut text = String::from("# Ringside\n\n");
    for group in told.groups() {
        groups_table(&mut text, group);
    }
    if told.interrupted {
        text.push_str("**Interrupted** before everything was done.\n\n");
    }
    for group in told.groups() {
        let bad = group
            .cases()
            .filter(|case| case.outcome.verdict() != Verdict::Pass);
        bad.for_each(|case| failed(&mut text, group, &case));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn groups_table(text: &mut String, group: Group<'_>) {
    let (points, most_points) = group.points();
    if let Some(submission) = group.submission() {
        let _ = writeln!(text, "## {}\n", escaped(submission));
        let _ = writeln!(text, "**{points} of {most_points} points**\n");
    }
    if let Some(why) = group.not_built() {
        let _ = writeln!(text, "It was not built.\n\n{}\n", block(why));
    }
    if group.cases().next().is_none() {
        return;
    }
    let is_graded = group.submission().is_some();
    let (head, rule) = if is_graded {
        (" Points |", "---:|")
    } else {
        ("", "")
    };
    let _ = writeln!(
        text,
        "| | Scenario | Outcome |{head} Why |\n|---|---|---|{rule}---|"
    );
    for case in group.cases() {
        let _ = write!(
            text,
            "| {} | {} | {} |",
            sign(case.outcome.verdict()),
            escaped(case.scenario),
            case.outcome
        );
        if is_graded {
            let _ = write!(text, " {} of {} |", case.points(), case.most_points());
        }
        let _ = writeln!(text, " {} |", escaped(&case.why()));
    }
    let _ = writeln!(
        text,
        "\n{} passed, {} failed, {} could not be judged\n",
        group.number(Verdict::Pass),
        group.number(Verdict::Fail),
        group.number(Verdict::Broken)
    );
    for judged in group.judged() {
        let _ = writeln!(text, "Judged {}\n", escaped(&judged.to_string()));
    }
}

fn failed(text: &mut String, group: Group<'_>, case: &Case<'_>) {
    let Some(report) = case.report else { return };
    let submission = group.submission().map(|name| format!("{}: ", escaped(name)));
    let scenario = escaped(case.scenario);
    let _ = writeln!(text, "## {}{scenario}\n", submission.unwrap_or_default());
    let _ = writeln!(text, "{}\n", escaped(&report.description));
    for line in &report.lines {
        let findings: Vec<&Finding> = line.all_findings().collect();
        if !findings.is_empty() {
            let _ = writeln!(text, "**{}**\n", step(line));
            findings.into_iter().for_each(|each| finding(text, each));
            text.push('\n');
        }
    }
    if report.steps_not_run > 0 {
        let steps = super::text::count(report.steps_not_run, "further step");
        let _ = writeln!(text, "{steps} not run.\n");
    }
    if let Some(origin) = &report.origin {
        let _ = writeln!(text, "{}:\n\n{}\n", origin.how(), block(&origin.command));
    }
}

fn step(line: &Line) -> String {
    let what = escaped(&line.what);
    match line.step {
        Some(number) => format!("Step {number}: {what}"),
        None => what,
    }
}

fn finding(text: &mut String, finding: &Finding) {
    let _ = writeln!(text, "- {}: {}", escaped(&finding.place), finding.rule);
    let _ = writeln!(text, "  - expected: {}", escaped(&finding.expected));
    let _ = writeln!(text, "  - found: {}", escaped(&finding.found));
    for clause in &finding.clauses {
        let _ = writeln!(text, "  - clause: {}", escaped(&clause.to_string()));
    }
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Broken => "⚠️",
    }
}

/// Text that means nothing to Markdown or HTML, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("<br>"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // A mention, or a reference to an issue, would reach people.
            '@' => escaped.push_str("&#64;"),
            '#' => escaped.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' => {
                escaped.extend(['\\', character]);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text as it is, in lines of their own: indented, so that nothing in it can end it.
fn block(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_says_makes_no_markup_and_calls_nobody() {
        let hostile = "a | b <img src=x> [c](http://d) @team #1 `e` **f**\ng";
        let shown = escaped(hostile);
        let between = shown.replace("<br>", "");
        assert!(!between.contains(['\n', '<', '@']), "{shown}");
        for part in [
            "\\|",
            "&lt;img",
            "\\[c\\]",
            "&#64;team",
            "&#35;1",
            "\\`e\\`",
            "\\*\\*f",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
}
