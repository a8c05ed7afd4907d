//! The names of modules and functions in docs/ARCHITECTURE.md are those of the code.

use std::fs;
use std::path::{Path, PathBuf};

/// Every `crate::module::item` that the page names, without `riftwatch_` before the crate.
fn names(page: &str) -> Vec<Vec<String>> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .map(|span| span.split('(').next().unwrap_or(span).trim_start_matches("riftwatch_"))
        .filter(|span| {
            span.contains("::")
                && !span.contains(|c: char| c.is_whitespace() || "<>{}/".contains(c))
        })
        .map(|span| span.split("::").map(str::to_owned).collect())
        .collect()
}

/// Where a module's code is, below its parent's folder.
fn module(folder: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
    let inner = folder.join(name);
    [folder.join(format!("{name}.rs")), inner.join("mod.rs")]
        .into_iter()
        .find(|file| file.exists())
        .map(|file| (file, inner))
}

fn defines(code: &str, name: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const", "static"].iter().any(|kind| {
        ["(", "<", " ", ":"].iter().any(|end| code.contains(&format!("{kind} {name}{end}")))
    })
}

/// Whether a module passes on something of this name.
fn tells(code: &str, name: &str) -> bool {
    code.split(';')
        .filter_map(|statement| statement.rsplit_once("pub use ").map(|(_, told)| told))
        .any(|told| told.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name))
}

/// A type's own item, like `Runner::start`: a file has to implement the type and have it.
fn has_method(crates: &Path, name: &[String]) -> bool {
    let [of, method] = name else { return false };
    sources(crates).iter().any(|file| {
        let code = fs::read_to_string(file).expect("a source");
        let implements = code.lines().any(|line| {
            line.starts_with("impl")
                && line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == of)
        });
        implements && defines(&code, method)
    })
}

/// All `.rs` files of all crates' `src`.
fn sources(crates: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = entries(crates).map(|at| at.join("src")).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for at in entries(&folder) {
            if at.is_dir() {
                folders.push(at);
            } else if at.extension().is_some_and(|end| end == "rs") {
                files.push(at);
            }
        }
    }
    files
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path())
}

/// Why the name is not in the code; `None`: it is.
fn missing(crates: &Path, name: &[String]) -> Option<String> {
    let mut folder = crates.join(&name[0]).join("src");
    if !folder.exists() {
        return (!has_method(crates, name)).then(|| "no type has it".to_owned());
    }
    let mut file = folder.join("lib.rs");
    for part in &name[1..] {
        match module(&folder, part) {
            Some((found, inner)) => (file, folder) = (found, inner),
            None => {
                let code = fs::read_to_string(&file).expect("a module that was found");
                if defines(&code, part) {
                    // What stands behind a type is a method, in whichever file.
                    return None;
                }
                return (!tells(&code, part)).then(|| format!("{} has no {part}", file.display()));
            }
        }
    }
    None
}

#[test]
fn what_the_page_names_is_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let names = names(&page);
    assert!(names.len() > 12, "only {} names were found", names.len());
    let wrong: Vec<String> = names
        .iter()
        .filter_map(|name| {
            missing(&root.join("crates"), name).map(|why| format!("{}: {why}", name.join("::")))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "docs/ARCHITECTURE.md names what is not there:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn what_is_not_in_the_code_is_noticed() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let found = |name: &str| missing(&crates, &names(&format!("`{name}`"))[0]).is_none();
    for name in ["Runner::start", "runner::keeper::spawn", "app::looks::look_at"] {
        assert!(found(name), "{name}");
        assert!(!found(&format!("{name}_renamed")), "{name}");
    }
    // Words that only stand in a comment, in a longer name, or in another crate's function.
    for name in ["runner::worker::spawn", "runner::keeper::last", "app::looks::look"] {
        assert!(!found(name), "{name}");
    }
}
