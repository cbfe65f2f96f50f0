//! The exact value of a JSON number (RFC 8259, section 6), read from its digits: no float on the way.

/// The number in `text` times ten to the power of `places`: `("16777217.01", 2)` is `1677721701`, `("2e3", 0)` is
/// `2000`. `None` if `text` is no JSON number, has more decimals than `places`, or is too large for an `i64`.
pub fn scaled(text: &str, places: u32) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if digits().all(|byte| byte == b'0') {
        return Some(0);
    }

    // The value is `digits` times ten to the power of `shift`.
    let shift = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let mut shift = shift.checked_add(i64::from(places))?;
    let zeros = digits().rev().take_while(|byte| *byte == b'0').count();
    let significant = whole.len().checked_add(fraction.len())?.checked_sub(zeros)?;
    shift = shift.checked_add(i64::try_from(zeros).ok()?)?;

    let mut value: i64 = 0;
    for byte in digits().take(significant) {
        value = value.checked_mul(10)?.checked_add(i64::from(byte.checked_sub(b'0')?))?;
    }
    // A negative shift leaves decimals that `places` has no room for.
    value = value.checked_mul(10_i64.checked_pow(u32::try_from(shift).ok()?)?)?;
    if negative { value.checked_neg() } else { Some(value) }
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn a_number_keeps_its_exact_value() {
        let table = [
            ("0", 0, 0),
            ("-0.00", 2, 0),
            ("7", 2, 700),
            ("0.1", 2, 10),
            ("16777217.01", 2, 1_677_721_701),
            ("99999999.99", 2, 9_999_999_999),
            ("1.50000", 2, 150),
            ("2e3", 0, 2000),
            ("1200e-2", 0, 12),
            ("1.25E+1", 2, 1250),
            ("-3.5", 2, -350),
            ("100.0", 0, 100),
            ("9223372036854775807", 0, i64::MAX),
            ("0e99999999999999999999", 2, 0),
        ];

        for (text, places, value) in table {
            assert_eq!(scaled(text, places), Some(value), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let table = [
            ("0.125", 2, "a third decimal"),
            ("1.5", 0, "a fraction"),
            ("1e400", 2, "too large"),
            ("9223372036854775808", 0, "one past i64"),
            ("1e-400", 2, "too small"),
            ("1e99999999999999999999", 0, "an exponent past i64"),
            ("\"1\"", 0, "a string"),
            ("null", 0, "null"),
            ("", 0, "nothing"),
            ("-", 0, "a sign alone"),
        ];

        for (text, places, reason) in table {
            assert_eq!(scaled(text, places), None, "{reason}");
        }
    }
}
