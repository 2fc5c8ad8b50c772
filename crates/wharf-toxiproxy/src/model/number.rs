//! Numbers as Go writes them: the shortest digits that read back as the same number, `1` and not `1.0`.

use serde_json::Value;

/// A `float32`.
pub(crate) fn of_f32(number: f32) -> Value {
    // Through the text, or 0.1 would become 0.10000000149011612.
    number.to_string().parse().map_or(Value::Null, of_f64)
}

/// A `float64`.
pub(crate) fn of_f64(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.trunc() == number && number.abs() <= EXACT {
        return Value::from(number as i64);
    }
    Value::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_gos_digits() {
        for (number, text) in [(1.0, "1"), (0.1, "0.1"), (0.25, "0.25"), (-2.0, "-2"), (0.0, "0")] {
            assert_eq!(of_f32(number).to_string(), text);
        }
        assert_eq!(of_f64(0.3).to_string(), "0.3");
    }
}
