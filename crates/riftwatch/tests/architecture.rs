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

/// Why the name is not in the code; `None`: it is.
fn missing(crates: &Path, name: &[String]) -> Option<String> {
    let mut folder = crates.join(&name[0]).join("src");
    if !folder.exists() {
        // A type's own item, like `RiotClient::limits`: some file has to have it.
        return None;
    }
    let mut file = folder.join("lib.rs");
    for part in &name[1..] {
        match module(&folder, part) {
            Some((found, inner)) => (file, folder) = (found, inner),
            None => {
                let code = fs::read_to_string(&file).expect("a module that was found");
                let defined =
                    ["fn", "struct", "enum", "trait", "const", "static"].iter().any(|kind| {
                        [
                            format!("{kind} {part}("),
                            format!("{kind} {part}<"),
                            format!("{kind} {part} "),
                            format!("{kind} {part}:"),
                        ]
                        .iter()
                        .any(|text| code.contains(text))
                    });
                if defined {
                    // What stands behind a type is a method, in whichever file.
                    return None;
                }
                let told =
                    code.contains(&format!("::{part}")) || code.contains(&format!("{part},"));
                return (!told).then(|| format!("{} has no {part}", file.display()));
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
