use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use super::{UnitError, decimal};

/// A rate in bits per second, in SI units: `10mbit`, `1.5gbit`, `500kbit`, `800bit`. Never zero:
/// a link that carries nothing is *cut*, not slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(NonZeroU64);

const UNITS: [(&str, u64); 5] = [
    ("tbit", 1_000_000_000_000),
    ("gbit", 1_000_000_000),
    ("mbit", 1_000_000),
    ("kbit", 1_000),
    ("bit", 1),
];

impl Rate {
    /// So many bits per second, or `None` for zero.
    #[must_use]
    pub const fn from_bits(bits_per_second: u64) -> Option<Self> {
        match NonZeroU64::new(bits_per_second) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// So many thousand bits per second; zero is read as one.
    #[must_use]
    pub const fn kbit(thousands: u32) -> Self {
        match NonZeroU64::new(thousands as u64 * 1_000) {
            Some(bits) => Self(bits),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Bits per second.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// How many whole bytes pass in `time`.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bits = u128::from(self.bits()) * time.as_nanos() / 1_000_000_000;
        u64::try_from(bits / 8).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits();
        let (name, unit) = UNITS
            .into_iter()
            .find(|&(_, unit)| bits >= unit)
            .unwrap_or(("bit", 1));
        decimal::write(f, bits, unit)?;
        f.write_str(name)
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = |problem: &str| UnitError::new("rate", text, problem);
        let (number, suffix) = decimal::split(text.trim());
        let lower = suffix.to_ascii_lowercase();
        let Some((_, unit)) = UNITS.into_iter().find(|(name, _)| *name == lower) else {
            return Err(error(&hint(number, suffix)));
        };
        let bits = decimal::times(number, unit).map_err(error)?;
        Self::from_bits(bits).ok_or_else(|| error("a rate is above zero; to stop a link, cut it"))
    }
}

/// What somebody who wrote another unit may have meant.
fn hint(number: &str, suffix: &str) -> String {
    let number = if number.is_empty() { "10" } else { number };
    match suffix {
        "" => format!("it has no unit; write `{number}mbit`, `{number}kbit` or `{number}bit`"),
        "MB/s" | "MBps" | "kB/s" | "KB/s" | "KBps" | "B/s" | "GB/s" => {
            "rates are in bits per second, a byte is 8 of them: `1MB/s` is `8mbit`".to_owned()
        }
        "gbps" | "Gbps" | "Gb/s" | "Gbit/s" => format!("write `{number}gbit`"),
        // Some tools read `mbps` as bytes, others as bits.
        "mbps" | "Mbps" | "Mb/s" | "Mbit/s" => {
            format!("write `{number}mbit` for megabits a second, or 8 times that for megabytes")
        }
        "kbps" | "Kbps" | "kb/s" | "kbit/s" => {
            format!("write `{number}kbit` for kilobits a second, or 8 times that for kilobytes")
        }
        other => format!("`{other}` is not one of bit, kbit, mbit, gbit, tbit"),
    }
}

super::serde_as_text!(Rate);
