//! A source file without the functions that students are to write, and without the kernel's deliberate faults.

use std::ops::Range;

use super::StarterError;
use crate::grade::rubric::LeftOut;

/// The module of the kernel's deliberate faults.
const FAULTS: &str = "mutant";

/// The text of a file without these functions, and without deliberate faults.
pub(super) fn without(file: &str, text: &str, left_out: &[&LeftOut]) -> Result<String, StarterError> {
    let parsed = syn::parse_file(text).map_err(|source| StarterError::NoRust {
        file: file.to_owned(),
        source,
    })?;
    // Places in the text and what stands there instead.
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for LeftOut { function, body, .. } in left_out {
        let block = block_of(&parsed, function).ok_or_else(|| StarterError::NoFunction {
            file: file.to_owned(),
            function: function.clone(),
        })?;
        let braces = block.brace_token.span;
        let range = braces.open().byte_range().start..braces.close().byte_range().end;
        let line = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let indent = &text[line..][..text[line..].len() - text[line..].trim_start().len()];
        let inner: String = body
            .trim()
            .lines()
            .map(|line| format!("{indent}    {}\n", line.trim_end()))
            .collect();
        changes.push((range, format!("{{\n{inner}{indent}}}")));
    }
    for item in &parsed.items {
        if let syn::Item::Use(import) = item
            && names_faults(&import.tree)
        {
            let start = import.use_token.span.byte_range().start;
            let end = import.semi_token.span.byte_range().end;
            let end = end + usize::from(text[end..].starts_with('\n'));
            changes.push((start..end, String::new()));
        }
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mut rest = text.to_owned();
    for (range, instead) in changes.into_iter().rev() {
        rest.replace_range(range, &instead);
    }
    let fault = rest
        .lines()
        .position(|line| line.contains("mutant::") || line.contains("Mutant::"));
    match fault {
        Some(index) => Err(StarterError::Fault {
            file: file.to_owned(),
            line: index + 1,
        }),
        None => Ok(rest),
    }
}

/// Whether an import is of the kernel's deliberate faults: `use crate::mutant`, and what is below.
fn names_faults(tree: &syn::UseTree) -> bool {
    let syn::UseTree::Path(path) = tree else {
        return false;
    };
    match &*path.tree {
        syn::UseTree::Path(below) => below.ident == FAULTS,
        syn::UseTree::Name(name) => name.ident == FAULTS,
        syn::UseTree::Rename(_) | syn::UseTree::Glob(_) | syn::UseTree::Group(_) => false,
    }
}

/// The body of a function, or of a method when its type stands before it.
fn block_of<'a>(file: &'a syn::File, name: &str) -> Option<&'a syn::Block> {
    let (of_type, name) = match name.rsplit_once("::") {
        Some((of_type, name)) => (Some(of_type), name),
        None => (None, name),
    };
    file.items.iter().find_map(|item| match (item, of_type) {
        (syn::Item::Fn(function), None) if function.sig.ident == name => Some(&*function.block),
        (syn::Item::Impl(implementation), Some(of_type)) if is_type(&implementation.self_ty, of_type) => {
            implementation.items.iter().find_map(|item| match item {
                syn::ImplItem::Fn(method) if method.sig.ident == name => Some(&method.block),
                _ => None,
            })
        }
        _ => None,
    })
}

fn is_type(found: &syn::Type, name: &str) -> bool {
    match found {
        syn::Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "use crate::arch;\nuse crate::mutant::{self, Mutant};\n\nimpl Space {\n    fn write(&mut self) -> bool {\n        \
                          !mutant::is(Mutant::Stale)\n    }\n}\n\nfn free() -> bool {\n    arch::secret()\n}\n";

    fn left_out(function: &str, body: &str) -> LeftOut {
        LeftOut {
            file: "a.rs".to_owned(),
            function: function.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn functions_are_left_out_with_the_faults_in_them() {
        let (method, function) = (
            left_out("Space::write", "// Yours.\nfalse"),
            left_out("free", "todo!()"),
        );
        let text = without("a.rs", SOURCE, &[&method, &function]).unwrap();
        assert_eq!(
            text,
            "use crate::arch;\n\nimpl Space {\n    fn write(&mut self) -> bool {\n        // Yours.\n        false\n    }\n}\n\n\
             fn free() -> bool {\n    todo!()\n}\n"
        );
    }

    #[test]
    fn a_fault_that_would_be_left_and_a_function_that_is_not_there_are_told() {
        let error = without("a.rs", SOURCE, &[&left_out("free", "todo!()")]).unwrap_err();
        assert!(matches!(error, StarterError::Fault { line: 5, .. }), "{error}");
        for name in ["write", "Other::write", "nowhere"] {
            let error = without("a.rs", SOURCE, &[&left_out(name, "")]).unwrap_err();
            assert!(matches!(error, StarterError::NoFunction { .. }), "{error}");
        }
    }
}
