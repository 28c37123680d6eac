//! The command line, one file per subcommand: each is `fn(arguments, what it needs) -> Result<report>`.

pub mod acl;
pub mod args;
pub mod check;
pub mod error;
pub mod pki;
pub mod run;
pub mod seed;
pub mod serve;
