//! Which packets are lost on the way.

use std::fmt;
use std::str::FromStr;

use super::files::Files;
use super::recording::Recording;
use super::words::{FileWord, Words};
use crate::units::{Correlation, Length, Probability, UnitError};

/// Which packets are lost. As text: `1%`, `1% correlation 25%`, `1% burst 3`,
/// `gilbert-elliott 1% 30%`, `markov 1% 30% 2% 50% 0.1%`, `pattern 00100` or `recorded FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// So many, each by itself.
    Random(Probability),
    /// So many, and the fate of one tells of the fate of the next: a Markov chain of two states. The
    /// mean rate is exactly `rate`, and the autocorrelation at lag k exactly ρᵏ. (netem's own
    /// correlation shifts the rate.)
    Correlated {
        /// How many.
        rate: Probability,
        /// How much alike neighbours are.
        correlation: Correlation,
    },
    /// So many, in runs of a mean length: the same chain, by other figures.
    Bursts(Bursts),
    /// A good and a bad state, each with its own loss (Gilbert 1960, Elliott 1963).
    GilbertElliott(GilbertElliott),
    /// netem's four states (Salsano et al., "Definition of a general and intuitive loss model for
    /// packet networks", 2012).
    Markov(Markov),
    /// One by one.
    Recorded(Recording),
}

/// A loss rate and a mean length of runs that can both be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bursts {
    rate: Probability,
    length: Length,
}

impl Bursts {
    /// `None` where no chain has both: runs of mean length L with one arriving packet between them
    /// lose L of L + 1, and more cannot be lost.
    #[must_use]
    pub fn new(rate: Probability, length: Length) -> Option<Self> {
        let bad = Self { rate, length };
        (rate.fraction() * (1.0 + length.get()) <= length.get()).then_some(bad)
    }

    /// How many are lost.
    #[must_use]
    pub fn rate(self) -> Probability {
        self.rate
    }

    /// The mean length of a run of losses.
    #[must_use]
    pub fn length(self) -> Length {
        self.length
    }
}

/// Two states. As text: `gilbert-elliott P R`, then perhaps `good G` and `bad B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GilbertElliott {
    /// From good to bad, at each packet.
    pub p: Probability,
    /// From bad to good.
    pub r: Probability,
    /// Loss in the good state (netem's 1−k): none, if not said.
    pub good: Probability,
    /// Loss in the bad state (netem's 1−h): all, if not said.
    pub bad: Probability,
}

/// netem's four states: 1 arrives in a gap, 2 arrives in a burst, 3 is lost in a burst, 4 is lost
/// in a gap (and the next is back in 1). As text: `markov P13 P31 P32 P23 P14`, of which all but the
/// first may be left out, from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markov {
    p13: Probability,
    p31: Probability,
    p32: Probability,
    p23: Probability,
    p14: Probability,
}

impl Markov {
    /// `None` where a state would be left with more than certainty: P13 + P14 or P31 + P32 above 1.
    #[must_use]
    pub fn new([p13, p31, p32, p23, p14]: [Probability; 5]) -> Option<Self> {
        let fits = p13.plus(p14).is_some() && p31.plus(p32).is_some();
        fits.then_some(Self {
            p13,
            p31,
            p32,
            p23,
            p14,
        })
    }

    /// P13, P31, P32, P23 and P14.
    #[must_use]
    pub fn transitions(self) -> [Probability; 5] {
        [self.p13, self.p31, self.p32, self.p23, self.p14]
    }
}

impl Loss {
    pub(crate) fn read(text: &str, files: &mut Files<'_>) -> Result<Self, UnitError> {
        const USAGE: &str = "`1%`, `1% correlation 25%`, `1% burst 3`, `gilbert-elliott P R [good G] [bad B]`, \
             `markov P13 P31 P32 P23 P14`, `pattern 00100` or `recorded FILE`";
        let mut words = Words::new("loss", text);
        let loss = if let Some(rate) = words.number::<Probability>() {
            random(rate?, &mut words, USAGE)?
        } else {
            match words.text("how much, such as `1%`,")? {
                "gilbert-elliott" => Self::GilbertElliott(gilbert_elliott(&mut words, USAGE)?),
                "markov" => Self::Markov(markov(&mut words)?),
                "pattern" => {
                    Self::Recorded(Recording::pattern(words.text("the pattern, such as `00100`,")?)?)
                }
                "recorded" => Self::Recorded(files.recording(words.text("the recording's file")?)?),
                word => return Err(words.stray(word, USAGE)),
            }
        };
        words.end(USAGE)?;
        Ok(loss)
    }
}

fn random(rate: Probability, words: &mut Words<'_>, usage: &str) -> Result<Loss, UnitError> {
    match words.next() {
        None => Ok(Loss::Random(rate)),
        Some("correlation") => {
            let correlation = words.value("the correlation, such as `25%`,")?;
            Ok(Loss::Correlated { rate, correlation })
        }
        Some("burst") => {
            let length = words.value("the mean length of a burst, such as `3`,")?;
            let bursts = Bursts::new(rate, length);
            let problem = "bursts of that length, with one packet between them, lose less than that";
            bursts.map(Loss::Bursts).ok_or_else(|| words.error(problem))
        }
        Some(word) => Err(words.stray(word, usage)),
    }
}

fn gilbert_elliott(words: &mut Words<'_>, usage: &str) -> Result<GilbertElliott, UnitError> {
    let mut model = GilbertElliott {
        p: words.value("the probability of going from good to bad")?,
        r: words.value("the probability of going from bad to good")?,
        good: Probability::NEVER,
        bad: Probability::ALWAYS,
    };
    while let Some(word) = words.next() {
        match word {
            "good" => model.good = words.value("the loss in the good state")?,
            "bad" => model.bad = words.value("the loss in the bad state")?,
            _ => return Err(words.stray(word, usage)),
        }
    }
    Ok(model)
}

fn markov(words: &mut Words<'_>) -> Result<Markov, UnitError> {
    let p13: Probability = words.value("P13, the probability of a burst's beginning,")?;
    // What is left out is as in tc-netem(8).
    let mut chances = [
        p13,
        p13.complement(),
        Probability::NEVER,
        Probability::ALWAYS,
        Probability::NEVER,
    ];
    for chance in chances.iter_mut().skip(1) {
        let Some(value) = words.number() else { break };
        *chance = value?;
    }
    let problem = "P13 + P14 and P31 + P32 are each at most 100%";
    Markov::new(chances).ok_or_else(|| words.error(problem))
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(rate) => rate.fmt(f),
            Self::Correlated { rate, correlation } => write!(f, "{rate} correlation {correlation}"),
            Self::Bursts(bursts) => write!(f, "{} burst {}", bursts.rate, bursts.length),
            Self::GilbertElliott(model) => {
                write!(f, "gilbert-elliott {} {}", model.p, model.r)?;
                if model.good != Probability::NEVER {
                    write!(f, " good {}", model.good)?;
                }
                match model.bad {
                    Probability::ALWAYS => Ok(()),
                    bad => write!(f, " bad {bad}"),
                }
            }
            Self::Markov(model) => {
                f.write_str("markov")?;
                let mut chances = model.transitions().into_iter();
                chances.try_for_each(|chance| write!(f, " {chance}"))
            }
            Self::Recorded(recording) => match recording.name() {
                Some(name) => write!(f, "recorded {}", FileWord(name)),
                None => write!(f, "pattern {recording}"),
            },
        }
    }
}

/// Reads all but a recording, whose file has to be read first: [`Settings`](super::Settings) does
/// that.
impl FromStr for Loss {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::read(text, &mut Files::NoneHere)
    }
}
