//! What the API says no with.

/// A refusal, as clients see it: a status and a sentence, in Toxiproxy's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) error: String,
}

impl Failure {
    fn new(status: u16, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }

    pub(crate) fn bad_body(why: impl std::fmt::Display) -> Self {
        Self::new(400, format!("bad request body: {why}"))
    }

    pub(crate) fn missing_field(which: impl std::fmt::Display) -> Self {
        Self::new(400, format!("missing required field: {which}"))
    }

    pub(crate) fn invalid_stream() -> Self {
        let error = "stream was invalid, can be either upstream or downstream";
        Self::new(400, error)
    }

    pub(crate) fn invalid_toxic_type() -> Self {
        Self::new(400, "invalid toxic type")
    }

    pub(crate) fn proxy_not_found() -> Self {
        Self::new(404, "proxy not found")
    }

    pub(crate) fn toxic_not_found() -> Self {
        Self::new(404, "toxic not found")
    }

    pub(crate) fn proxy_exists() -> Self {
        Self::new(409, "proxy already exists")
    }

    pub(crate) fn toxic_exists() -> Self {
        Self::new(409, "toxic already exists")
    }

    /// What went wrong outside: an address that cannot be had.
    pub(crate) fn outside(error: impl Into<String>) -> Self {
        Self::new(500, error)
    }
}
