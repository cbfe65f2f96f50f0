//! An amount of money, exact to the cent: from a JSON number to a DECIMAL column and back.

use std::{fmt, io::Write};

use mysql_async::{FromValueError, Value, prelude::FromValue};
use serde::{Serialize, Serializer, ser::Error};
use serde_json::value::RawValue;

use crate::decimal;

/// An amount in cents. In JSON it is a number with one or two decimals: `20.0`, `0.1`, `16777217.01`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);
    /// The largest amount that a DECIMAL(10, 2) column holds.
    pub const MAX: Money = Money(9_999_999_999);

    /// Reads a number with at most two decimals; `None` if it is something else.
    pub fn parse(text: &str) -> Option<Money> {
        decimal::scaled(text, 2).map(Money)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        let (units, rest) = (cents / 100, cents % 100);
        match rest % 10 {
            0 => write!(f, "{sign}{units}.{}", rest / 10),
            _ => write!(f, "{sign}{units}.{rest:02}"),
        }
    }
}

impl Serialize for Money {
    /// A JSON number from the amount's own digits. `RawValue` is how serde_json writes text as it stands.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; 24]; // an i64 in cents has 22 characters at most
        let mut free = buffer.as_mut_slice();
        write!(free, "{self}").map_err(S::Error::custom)?;
        let unused = free.len();
        let text = buffer.len().checked_sub(unused).and_then(|length| buffer.get(..length)).unwrap_or_default();
        serde_json::from_slice::<&RawValue>(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl From<Money> for Value {
    fn from(money: Money) -> Value {
        Value::Bytes(money.to_string().into_bytes())
    }
}

impl TryFrom<Value> for Money {
    type Error = FromValueError;

    fn try_from(value: Value) -> Result<Money, FromValueError> {
        match &value {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok().and_then(Money::parse).ok_or(FromValueError(value)),
            _ => Err(FromValueError(value)),
        }
    }
}

impl FromValue for Money {
    type Intermediate = Money;
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_amount_comes_out_as_it_went_in(cents in any::<i64>()) {
            let money = Money(cents);

            prop_assert_eq!(Money::parse(&money.to_string()), Some(money));
            prop_assert_eq!(Money::parse(&serde_json::to_string(&money).unwrap()), Some(money));
        }

        /// Judged by whole numbers that are large enough.
        #[test]
        fn a_number_is_exact_or_refused(digits in 0..10_000_000_i128, decimals in 0..5_u32, exponent in -4..6_i32) {
            let scale = 10_i128.pow(decimals);
            let text = match decimals {
                0 => format!("{digits}e{exponent}"),
                _ => format!("{}.{:0width$}E{exponent}", digits / scale, digits % scale, width = decimals as usize),
            };
            let shift = 2 + exponent - decimals as i32;
            let power = 10_i128.pow(shift.unsigned_abs());
            let cents = if shift >= 0 { Some(digits * power) } else { (digits % power == 0).then_some(digits / power) };

            prop_assert_eq!(Money::parse(&text), cents.map(|cents| Money(cents as i64)), "{}", text);
        }

        #[test]
        fn any_text_is_an_amount_or_none(text in "\\PC*|[-+0-9.eE]{0,30}") {
            let _ = Money::parse(&text);
        }
    }

    #[test]
    fn an_amount_comes_out_as_it_went_in() {
        for text in ["0.0", "0.1", "0.01", "20.0", "1.25", "16777217.01", "99999999.99", "-3.5"] {
            let money = Money::parse(text).unwrap();

            assert_eq!(serde_json::to_string(&money).unwrap(), text);
            assert_eq!(Money::try_from(Value::from(money)).unwrap(), money);
        }
        assert_eq!(Money::parse("99999999.99"), Some(Money::MAX));
        assert_eq!(Money(i64::MIN).to_string(), "-92233720368547758.08");
    }
}
