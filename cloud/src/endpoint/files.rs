//! Whether the system lets us open a file for every slot; a socket is one.

use nix::sys::resource::{Resource, getrlimit};

use super::limits::{ADMISSIONS_MAX, CONNECTIONS_MAX, OTHER_FILES};

/// What all slots and the rest of the program need at once.
const NEEDED: u64 = (CONNECTIONS_MAX + ADMISSIONS_MAX + OTHER_FILES) as u64;

/// Says so once if there are fewer: else it would show on the day on which the last one is taken.
pub(super) fn warn_if_short() {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((allowed, _could_be_raised_to)) if allowed < NEEDED => tracing::warn!(
            allowed,
            needed = NEEDED,
            "fewer files may be open than there are connection slots: raise it, `LimitNOFILE=` in the systemd unit"
        ),
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, "cannot look up how many files may be open"),
    }
}
