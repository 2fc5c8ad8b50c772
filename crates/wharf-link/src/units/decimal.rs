//! Exact decimal numbers with a unit: `1.5gbit` is 1,500,000,000 bits and no rounding is involved.

use std::fmt;

/// Splits `1.5gbit` into `1.5` and `gbit`.
pub(crate) fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// `number × unit` as a whole number; `Err` says what is wrong with it.
pub(crate) fn times(number: &str, unit: u64) -> Result<u64, &'static str> {
    const NOT_A_NUMBER: &str = "it must begin with a number such as `10` or `1.5`";
    const TOO_BIG: &str = "it is too big";
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || number.ends_with('.') {
        return Err(NOT_A_NUMBER);
    }
    let fraction = fraction.trim_end_matches('0');
    let whole: u64 = whole.parse().map_err(|_| TOO_BIG)?;
    let mut value = u128::from(whole) * u128::from(unit);
    if !fraction.is_empty() {
        const TOO_FINE: &str = "it has more decimals than its unit can hold";
        let scale = 10u128
            .checked_pow(u32::try_from(fraction.len()).map_err(|_| TOO_FINE)?)
            .ok_or(TOO_FINE)?;
        let part: u128 = fraction.parse().map_err(|_| TOO_FINE)?;
        let part = part.checked_mul(u128::from(unit)).ok_or(TOO_FINE)?;
        if part % scale != 0 {
            return Err(TOO_FINE);
        }
        value += part / scale;
    }
    u64::try_from(value).map_err(|_| TOO_BIG)
}

/// Writes `value / unit` exactly; `unit` is a power of ten.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, value: u64, unit: u64) -> fmt::Result {
    write!(f, "{}", value / unit)?;
    let rest = value % unit;
    if rest > 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        write!(f, ".{}", digits.trim_end_matches('0'))?;
    }
    Ok(())
}
