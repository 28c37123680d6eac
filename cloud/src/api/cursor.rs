//! Cursors: where a page ended, opaque to clients. Given out and read back here.
//!
//! A cursor is a place, not a right: what it leads to is scoped again like every request. It is checked all the same, so
//! that only places that we could have given out reach the store.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kitchen_contract::id::Epoch;
use kitchen_contract::time::Timestamp;

use crate::api::problem::ApiError;
use crate::api::query::invalid_cursor;

/// Digits of a sequence number in a place of the store.
const SEQ_DIGITS: usize = 16;

/// A place as clients see it.
pub fn give_out(place: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place)
}

/// A place among readings, as the registry gave it.
///
/// # Errors
/// Not one that was given out for readings.
pub fn reading(cursor: &str) -> Result<String, ApiError> {
    let place = read(cursor)?;
    let parts: Vec<&str> = place.split('#').collect();
    let whole = match parts[..] {
        [timestamp, epoch, seq] => {
            timestamp.parse::<Timestamp>().is_ok()
                && epoch.parse::<Epoch>().is_ok()
                && seq.len() == SEQ_DIGITS
                && seq.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    };
    if whole { Ok(place) } else { Err(invalid_cursor()) }
}

/// One page of a list that is ordered by `key`, and the cursor of the next one.
///
/// # Errors
/// Not a cursor that was given out.
pub fn page<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    (limit, cursor): (usize, Option<&str>),
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = cursor.map(read).transpose()?;
    let mut rest = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| key(item) > *after)).peekable();
    let page: Vec<T> = rest.by_ref().take(limit).collect();
    let more = rest.peek().is_some();
    let next = page.last().filter(|_| more).map(|last| give_out(&key(last)));
    Ok((page, next))
}

fn read(cursor: &str) -> Result<String, ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid_cursor())?;
    String::from_utf8(bytes).map_err(|_| invalid_cursor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_among_readings_reads_back_and_nothing_else_does() {
        let place = "2026-01-11T10:30:00.000Z#cabc#0000000000000042";
        assert_eq!(reading(&give_out(place)), Ok(place.to_owned()));
        for other in ["", "~", "2026-01-11T10:30:00.000Z", "2026-01-11T10:30:00.000Z#cabc#42", &place[..20]] {
            assert!(reading(&give_out(other)).is_err(), "{other}");
        }
        assert!(reading("not base64!").is_err());
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let items: Vec<u32> = (100..107).collect();
            let (page, next) = page(items, u32::to_string, (3, cursor.as_deref())).unwrap();
            seen.extend(page);
            let Some(next) = next else { break };
            cursor = Some(next);
        }
        assert_eq!(seen, (100..107).collect::<Vec<_>>());
    }
}
