//! Query parameters: known names only, each at most once, checked before the store is asked.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use kitchen_contract::time::Timestamp;

use crate::api::problem::ApiError;

/// Items of a page when nothing is said.
pub const LIMIT_DEFAULT: usize = 100;

/// Items of a page at most.
pub const LIMIT_MAX: usize = 1000;

/// The longest cursor, in bytes.
const CURSOR_BYTES_MAX: usize = 256;

/// The parameters of a request, as they came.
pub struct Parameters(Vec<(String, String)>);

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Items at most, 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Where the page before ended, as it was given out.
    pub cursor: Option<String>,
}

/// A span of time: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First moment.
    pub from: Option<Timestamp>,
    /// The moment after the last.
    pub to: Option<Timestamp>,
}

impl Parameters {
    /// No parameter but these, each at most once.
    ///
    /// # Errors
    /// An unknown or repeated one.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(invalid(name, &format!("is not known here, only: {}", known.join(", "))));
            }
            if self.0[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(invalid(name, "is given twice"));
            }
        }
        Ok(())
    }

    /// `limit` and `cursor`.
    ///
    /// # Errors
    /// A limit that is no number of 1 to [`LIMIT_MAX`], or a cursor that we never gave out.
    pub fn page(&self) -> Result<Page, ApiError> {
        let limit = match self.get("limit") {
            None => LIMIT_DEFAULT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                .ok_or_else(|| invalid("limit", &format!("must be a number from 1 to {LIMIT_MAX}")))?,
        };
        let cursor = self.get("cursor").map(str::to_owned);
        if cursor.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_BYTES_MAX) {
            return Err(invalid_cursor());
        }
        Ok(Page { limit, cursor })
    }

    /// `from` and `to`.
    ///
    /// # Errors
    /// Not RFC 3339, or `from` not before `to`.
    pub fn span(&self) -> Result<Span, ApiError> {
        let span = Span { from: self.moment("from")?, to: self.moment("to")? };
        match span {
            Span { from: Some(from), to: Some(to) } if from >= to => Err(invalid("from", "must be before `to`")),
            span => Ok(span),
        }
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let moment = text.parse::<jiff::Timestamp>().ok();
        let moment = moment.and_then(|moment| Timestamp::from_unix_ms(moment.as_millisecond()).ok());
        moment.map(Some).ok_or_else(|| invalid(name, "must be an RFC 3339 time such as 2026-01-11T10:30:00Z"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The cursor is not one of ours.
pub fn invalid_cursor() -> ApiError {
    invalid("cursor", "is not one that was given out as `nextCursor`")
}

fn invalid(name: &str, why: &str) -> ApiError {
    let name: String = name.chars().take(40).collect();
    ApiError::InvalidQuery(format!("`{name}` {why}"))
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let unreadable = |_| ApiError::InvalidQuery("the query cannot be read".to_owned());
        let Query(pairs) = Query::try_from_uri(&parts.uri).map_err(unreadable)?;
        Ok(Self(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &[(&str, &str)]) -> Result<(Page, Span), ApiError> {
        let parameters = Parameters(query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
        parameters.only(&["from", "to", "limit", "cursor"])?;
        Ok((parameters.page()?, parameters.span()?))
    }

    #[test]
    fn defaults_and_good_values() {
        let (page, span) = check(&[]).unwrap();
        assert_eq!((page.limit, span), (LIMIT_DEFAULT, Span { from: None, to: None }));
        let (page, span) = check(&[("limit", "1000"), ("from", "2026-01-11T14:30:00+04:00")]).unwrap();
        assert_eq!((page.limit, span.from), (1000, "2026-01-11T10:30:00.000Z".parse().ok()));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for query in [
            &[("limit", "0")][..],
            &[("limit", "1001")],
            &[("limit", "1e9")],
            &[("limit", "-1")],
            &[("limit", "")],
            &[("from", "yesterday")],
            &[("from", "2026-01-11")],
            &[("from", "2026-01-11T10:30:00Z"), ("to", "2026-01-11T10:30:00Z")],
            &[("order", "asc")],
            &[("limit", "1"), ("limit", "2")],
            &[("to", "+999999-01-01T00:00:00Z")],
        ] {
            assert!(matches!(check(query), Err(ApiError::InvalidQuery(_))), "{query:?}");
        }
    }
}
