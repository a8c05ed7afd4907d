//! The pages, one file each: what it reads, its template's values, its actions.

pub(crate) mod assessment;
pub(crate) mod assessments;
pub(crate) mod audit;
pub(crate) mod bulk;
pub(crate) mod job;
pub(crate) mod job_form;
pub(crate) mod jobs;
pub(crate) mod matches;
pub(crate) mod overview;
pub(crate) mod player;
pub(crate) mod players;
pub(crate) mod retention;
pub(crate) mod riot;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod system;
pub(crate) mod versions;

/// Why a button cannot be used, for those whose role does not reach.
pub(crate) const NEEDS_OPERATOR: &str = "needs the operator role";

/// The same for what only admins may.
pub(crate) const NEEDS_ADMIN: &str = "needs the admin role";

/// The reason for an operator's button, empty when it can be used.
pub(crate) fn operator(shell: &crate::cx::Shell) -> &'static str {
    if shell.operator() { "" } else { NEEDS_OPERATOR }
}

/// The reason for an admin's button, empty when it can be used.
pub(crate) fn admin(shell: &crate::cx::Shell) -> &'static str {
    if shell.admin() { "" } else { NEEDS_ADMIN }
}
