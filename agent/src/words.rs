//! Numbers as a person reads them. Pure.

/// A span of time in its two largest units: what lies further back is nobody's minute.
pub fn span(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let first = units.iter().position(|(_, unit_s)| seconds >= *unit_s).unwrap_or(units.len() - 1);
    let (name, unit_s) = units[first];
    let text = format!("{} {name}", seconds / unit_s);
    match units.get(first + 1) {
        Some((name, smaller_s)) if seconds % unit_s >= *smaller_s && seconds / unit_s < 10 => {
            format!("{text} {} {name}", seconds % unit_s / smaller_s)
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        let spans = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (725, "12 min"),
            (3_600, "1 h"),
            (3_659, "1 h"),
            (9_000, "2 h 30 min"),
            (90_000, "1 d 1 h"),
            (8_640_000, "100 d"),
        ];
        for (seconds, expected) in spans {
            assert_eq!(span(seconds), expected, "{seconds}");
        }
    }
}
